package explore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// interleave is Interleave without a test that fails.
func interleave(t *testing.T, fixture *fakeecr.Registry, actors []Actor, options ...Option) *Orders {
	t.Helper()
	s := newSettings()
	for _, option := range options {
		option.set(s)
	}
	s.misplaced(actors)
	require.NoError(t, typed[map[string]error](s))
	i := &interleaving{lab: newLab(t, s, nil), fixture: fixture, actors: actors}
	require.NoError(t, i.serial())
	i.search()
	return &i.orders
}

// retag moves a tag to the image of another one.
func retag(to, from string) func(context.Context, *fakeecr.Registry) error {
	return func(ctx context.Context, r *fakeecr.Registry) error {
		got, err := r.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: app, ImageIds: []types.ImageIdentifier{{ImageTag: &from}}})
		if err != nil {
			return err
		}
		if len(got.Images) == 0 {
			return errors.New("no " + from)
		}
		_, err = r.PutImage(ctx, &ecr.PutImageInput{RepositoryName: app, ImageManifest: got.Images[0].ImageManifest, ImageTag: &to})
		return err
	}
}

// clean deletes what it has seen without a tag.
func clean(ctx context.Context, r *fakeecr.Registry) error {
	out, err := r.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: app, Filter: &types.ListImagesFilter{TagStatus: types.TagStatusUntagged}})
	if err != nil || len(out.ImageIds) == 0 {
		return err
	}
	_, err = r.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: app, ImageIds: out.ImageIds})
	return err
}

func push(name string, seed uint64) Actor {
	return Actor{name, func(ctx context.Context, r *fakeecr.Registry) error {
		image := fakeecr.RandomImage(seed, 10)
		for _, blob := range image.Blobs {
			begun, err := r.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: app})
			if err != nil {
				return err
			}
			if _, err := r.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RepositoryName: app, UploadId: begun.UploadId,
				PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(blob)) - 1), LayerPartBlob: blob}); err != nil {
				return err
			}
			if _, err := r.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RepositoryName: app, UploadId: begun.UploadId, LayerDigests: []string{digestOf(blob)}}); err != nil {
				return err
			}
		}
		_, err := r.PutImage(ctx, &ecr.PutImageInput{RepositoryName: app, ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String("latest")})
		return err
	}}
}

func TestACleanerAgainstAPromoter(t *testing.T) {
	fixture := fakeecr.New(t)
	old := fixture.MustPush("team/app", fakeecr.RandomImage(1, 10))
	promote := func(ctx context.Context, r *fakeecr.Registry) error {
		got, err := r.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: app, ImageIds: []types.ImageIdentifier{{ImageDigest: &old}}})
		if err != nil || len(got.Images) == 0 {
			return errors.Join(err, errors.New("it is gone"))
		}
		_, err = r.PutImage(ctx, &ecr.PutImageInput{RepositoryName: app, ImageManifest: got.Images[0].ImageManifest, ImageTag: aws.String("stable")})
		return err
	}
	actors := []Actor{{"cleaner", clean}, {"promoter", promote}}
	orders := interleave(t, fixture, actors)
	require.True(t, orders.All)
	require.Len(t, orders.Findings, 1, orders)
	found := orders.Findings[0]
	require.Equal(t, noSerialOrder, found.Verdict)
	require.Contains(t, found.Detail, "The nearest is ")
	require.Equal(t, found.Schedule, strings.Join(actorsOf(found), " "))

	again := interleave(t, fixture, actors, Schedule(found.Schedule))
	require.Equal(t, 1, again.Schedules)
	require.Len(t, again.Findings, 1)
	require.Equal(t, found.Detail, again.Findings[0].Detail)

	none := interleave(t, fixture, actors, Preemptions(0))
	require.Empty(t, none.Findings)
	require.Equal(t, 2, none.Schedules)
	few := interleave(t, fixture, actors, Most(1))
	require.Equal(t, 1, few.Schedules)
	require.False(t, few.All)
}

func actorsOf(found OrderFinding) (names []string) {
	for _, call := range found.Trace {
		names = append(names, call.Actor)
	}
	return names
}

// Two who tag the same at once end as one after the other does.
func TestTwoWhoRetag(t *testing.T) {
	orders := interleave(t, seeded(t), []Actor{{"a", retag("stable", "v1")}, {"b", retag("stable", "v2")}})
	require.Empty(t, orders.Findings)
	require.True(t, orders.All)
	require.Equal(t, 4, orders.Schedules, "of 6: two reads in a row commute")
	swapped := interleave(t, seeded(t), []Actor{{"a", retag("v2", "v1")}, {"b", retag("v1", "v2")}})
	require.NotEmpty(t, swapped.Findings)
}

// The parts of uploads are not put in another order, nor are calls of other
// repositories.
func TestCallsThatCommuteAreNotReordered(t *testing.T) {
	pushers := interleave(t, seeded(t), []Actor{push("a", 7), push("b", 8)})
	require.Empty(t, pushers.Findings)
	require.True(t, pushers.All)
	require.LessOrEqual(t, pushers.Schedules, 20, "of 3432")
	tags := func(repository string) func(context.Context, *fakeecr.Registry) error {
		return func(ctx context.Context, r *fakeecr.Registry) error {
			for range 3 {
				if _, err := r.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{RepositoryName: &repository, ImageTagMutability: types.ImageTagMutabilityMutable}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	fixture := seeded(t)
	fixture.MustPush("other", fakeecr.RandomImage(1, 10))
	require.Equal(t, 1, interleave(t, fixture, []Actor{{"a", tags("team/app")}, {"b", tags("other")}}).Schedules)
	require.Equal(t, 20, interleave(t, fixture, []Actor{{"a", tags("team/app")}, {"b", tags("team/app")}}).Schedules)
}

// Whoever waits for time is let go on where nobody is held.
func TestTimeGoesOnBetweenCalls(t *testing.T) {
	wait := func(ctx context.Context, r *fakeecr.Registry) error {
		for {
			out, err := r.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: app})
			if err != nil || len(out.ImageIds) > 2 {
				return err
			}
			time.Sleep(time.Minute)
		}
	}
	orders := interleave(t, seeded(t), []Actor{{"tagger", retag("stable", "v1")}, {"waiter", func(ctx context.Context, r *fakeecr.Registry) error {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		if err := wait(ctx, r); err != nil {
			return errors.New("late")
		}
		return nil
	}}}, Check(func(_ *fakeecr.Registry, errs map[string]error, _ error) error { return errs["tagger"] }))
	require.Empty(t, orders.Findings)
}

func TestActorsThatAreWrong(t *testing.T) {
	var there *types.RepositoryNotFoundException
	racy := func(otherwise func()) func(ctx context.Context, r *fakeecr.Registry) error {
		return func(ctx context.Context, r *fakeecr.Registry) error {
			if _, err := r.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"new"}}); !errors.As(err, &there) {
				return err
			}
			_, err := r.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("new")})
			if err != nil {
				otherwise()
			}
			return nil
		}
	}
	for verdict, otherwise := range map[string]func(){
		"PANIC":      func() { panic("oh") },
		"LEAK":       func() { go func() { select {} }() },
		"NEVER ENDS": func() { select {} },
	} {
		orders := interleave(t, fakeecr.New(t), []Actor{{"a", racy(otherwise)}, {"b", racy(otherwise)}})
		require.NotEmpty(t, orders.Findings)
		require.Equal(t, verdict, orders.Findings[0].Verdict, orders)
	}
}

func TestMistakesInActors(t *testing.T) {
	s := newSettings()
	Schedule("c").set(s)
	Sockets().set(s)
	s.misplaced([]Actor{{"a b", nil}})
	err := typed[map[string]error](s)
	for _, says := range []string{`there is no actor "c"`, "Sockets is for Run", "two actors", `without a space: "a b"`} {
		require.ErrorContains(t, err, says)
	}
}
