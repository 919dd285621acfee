package fakeecr_test

import (
	"context"
	"fmt"
	rand "math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// tagCall is one call on a repository in which two images share two tags.
type tagCall struct {
	operation string
	image     int
	tag       int
}

// tagState says which images there are and which one each tag stands for, or
// none.
type tagState struct {
	images [2]bool
	tags   [2]int
}

const none = -1

var (
	sharedTags   = []string{"v1", "v2"}
	sharedImages = []fakeecr.Image{imageA, imageB}
)

// step is what a call answers and leaves behind.
func (s tagState) step(c tagCall) (answer string, next tagState) {
	holder := s.tags[c.tag]
	switch c.operation {
	case "put":
		if holder == c.image {
			return "refused", s
		}
		s.tags[c.tag], s.images[c.image] = c.image, true
		return "ok", s
	case "delete":
		if holder == none {
			return "refused", s
		}
		s.tags[c.tag] = none
		s.images[holder] = slices.Contains(s.tags[:], holder)
		return "ok", s
	case "get":
		if holder == none {
			return "refused", s
		}
		return sharedImages[holder].Digest(), s
	default:
		return s.list(), s
	}
}

func (s tagState) list() string {
	var ids []string
	for i, there := range s.images {
		digest, tagged := sharedImages[i].Digest(), false
		for tag, holder := range s.tags {
			if holder == i {
				ids, tagged = append(ids, digest+"@"+sharedTags[tag]), true
			}
		}
		if there && !tagged {
			ids = append(ids, digest)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func (c tagCall) make(r *fakeecr.Registry) (answer string, err error) {
	ctx, name, id := context.Background(), aws.String(faces.App), []types.ImageIdentifier{faces.ByTag(sharedTags[c.tag])}
	switch c.operation {
	case "put":
		_, err = r.PutImage(ctx, &ecr.PutImageInput{RepositoryName: name, ImageTag: &sharedTags[c.tag], ImageManifest: aws.String(string(sharedImages[c.image].Manifest))})
		if faces.IsA[*types.ImageAlreadyExistsException](err) {
			return "refused", nil
		}
		return "ok", err
	case "delete":
		out, err := r.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: name, ImageIds: id})
		if err == nil && len(out.Failures) > 0 {
			return "refused", nil
		}
		return "ok", err
	case "get":
		out, err := r.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: name, ImageIds: id})
		if err != nil || len(out.Failures) > 0 {
			return "refused", err
		}
		return *out.Images[0].ImageId.ImageDigest, nil
	default:
		out, err := r.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: name})
		if err != nil {
			return "", err
		}
		return strings.Join(faces.Joined(out.ImageIds), " "), nil
	}
}

// Calls that overlap answer as if they had come one after the other.
func TestTagsAreLinearizable(t *testing.T) {
	model := porcupine.Model{
		Init: func() any { return tagState{[2]bool{true, true}, [2]int{0, 1}} },
		Step: func(state, input, output any) (bool, any) {
			answer, next := state.(tagState).step(input.(tagCall))
			return answer == output, next
		},
	}
	for round := range 20 {
		r := fakeecr.New(t)
		r.MustPush(faces.App+":v1", imageA)
		r.MustPush(faces.App+":v2", imageB)
		begin := time.Now()
		const clients, calls = 8, 15
		histories := make([][]porcupine.Operation, clients)
		var all sync.WaitGroup
		for client := range clients {
			dice := rand.New(rand.NewPCG(uint64(round), uint64(client)))
			all.Go(func() {
				for range calls {
					call := tagCall{[]string{"put", "put", "delete", "get", "list"}[dice.IntN(5)], dice.IntN(2), dice.IntN(2)}
					called := time.Since(begin)
					answer, err := call.make(r)
					if err != nil {
						t.Errorf("%v: %v", call, err)
					}
					histories[client] = append(histories[client], porcupine.Operation{
						ClientId: client, Input: call, Output: answer, Call: called.Nanoseconds(), Return: time.Since(begin).Nanoseconds(),
					})
				}
			})
		}
		all.Wait()
		require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(model, slices.Concat(histories...), time.Minute))
	}
}

// Many goroutines do everything at once, with forks and the clock among it; the
// race detector watches, and what can be counted in the end adds up.
func TestManyGoroutines(t *testing.T) {
	const workers = 64
	r := fakeecr.New(t)
	r.MustPush("shared:v1", imageA)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(1, uint64(i)))
			mine := fmt.Sprint("worker", i)
			for n := 0; n == 0 || ctx.Err() == nil; n++ {
				work(t, r, mine, n, dice)
			}
		})
	}
	all.Wait()
	shared, err := r.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("shared"), MaxResults: aws.Int32(1000)})
	require.NoError(t, err)
	require.Contains(t, faces.Joined(shared.ImageIds), imageA.Digest()+"@v1")
	for i := range workers {
		tags := slices.DeleteFunc(faces.Joined(shared.ImageIds), func(id string) bool { return !strings.HasSuffix(id, fmt.Sprintf("@worker%d", i)) })
		require.Len(t, tags, 1, "each worker's tag stands for one image")
		images, err := r.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(fmt.Sprint("worker", i)), MaxResults: aws.Int32(1000)})
		require.NoError(t, err)
		require.Len(t, images.ImageIds, 1)
	}
}

// work is one round of a worker: in its own repository nobody disturbs it, in
// the shared one everybody does.
func work(t *testing.T, r *fakeecr.Registry, mine string, n int, dice *rand.Rand) {
	image := faces.ImageOf([]byte("{}"), []byte(mine), fmt.Appendf(nil, "layer %d", n%3))
	r.MustPush(mine+":latest", image)
	r.MustPush("shared:"+mine, []fakeecr.Image{imageA, imageB, image}[n%3])
	seen, err := r.BatchGetImage(context.Background(), &ecr.BatchGetImageInput{RepositoryName: &mine, ImageIds: []types.ImageIdentifier{faces.ByTag("latest")}})
	if err != nil || len(seen.Images) != 1 || *seen.Images[0].ImageId.ImageDigest != image.Digest() {
		t.Errorf("latest of %s is not what was just pushed: %v", mine, err)
	}
	switch dice.IntN(6) {
	case 0:
		fork := r.Fork(nil)
		fork.MustPush(mine+":fork", imageB)
		if _, err := fork.DeleteRepository(context.Background(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("shared"), Force: true}); err != nil {
			t.Error(err)
		}
	case 1:
		r.Advance(time.Second) // uploads must not expire under way
	case 2:
		if _, err := r.DescribeImages(context.Background(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shared"), MaxResults: aws.Int32(10)}); err != nil {
			t.Error(err)
		}
	case 3:
		if _, err := r.InitiateLayerUpload(context.Background(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("shared")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.BatchDeleteImage(context.Background(), &ecr.BatchDeleteImageInput{RepositoryName: &mine, ImageIds: untaggedOf(r, mine)}); err != nil {
		t.Error(err)
	}
}

// untaggedOf is the ids of a repository's untagged images, and one of none.
func untaggedOf(r *fakeecr.Registry, repository string) []types.ImageIdentifier {
	out, err := r.ListImages(context.Background(), &ecr.ListImagesInput{RepositoryName: &repository, Filter: &types.ListImagesFilter{TagStatus: types.TagStatusUntagged}})
	if err != nil {
		return nil
	}
	return append(out.ImageIds, faces.ByTag("none"))
}

// A test that is done has left nothing behind, however many there were.
func TestServersLeaveNothingBehind(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	before := descriptors()
	for i := range 100 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			server := fakeecr.NewServer(t)
			server.MustPush(faces.App+":v1", imageA)
			_, err := server.Client().DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App)})
			require.NoError(t, err)
		})
	}
	require.NoError(t, goleak.Find(leaks))
	require.LessOrEqual(t, descriptors(), before)
}

// descriptors counts this process's open files, where the system tells.
func descriptors() int {
	if runtime.GOOS != "linux" {
		return 0
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(open)
}
