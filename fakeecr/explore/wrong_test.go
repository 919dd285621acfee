package explore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
)

var app = aws.String("team/app")

func seeded(t testing.TB) *fakeecr.Registry {
	fixture := fakeecr.New(t)
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
	fixture.MustPush("team/app:v2", fakeecr.RandomImage(2, 100))
	fixture.SetScanFindings("team/app:v1", types.ImageScanFinding{Name: aws.String("CVE-1"), Severity: types.FindingSeverityLow})
	return fixture
}

// survey explores without a subtest that fails.
func survey[T any](t *testing.T, fixture *fakeecr.Registry, f func(context.Context, *fakeecr.Registry) (T, error), options ...Option) *exploration.Report {
	t.Helper()
	l, e := begin(t, fixture, f, options)
	for _, v := range e.Variations {
		if l.hung < mostHung {
			e.Try(v)
		}
	}
	return &e.Report
}

// tag gives v1 one more tag, and takes it for done that it has it.
func tag(ctx context.Context, api fakeecr.API) error {
	got, err := api.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: app, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
	if err != nil {
		return err
	}
	if len(got.Images) == 0 {
		return errors.New("no v1: " + *got.Failures[0].FailureReason)
	}
	_, err = api.PutImage(ctx, &ecr.PutImageInput{RepositoryName: app, ImageManifest: got.Images[0].ImageManifest, ImageTag: aws.String("stable")})
	if there := new(types.ImageAlreadyExistsException); errors.As(err, &there) {
		return nil
	}
	return err
}

// untag deletes a tag, and takes it for done that there is none.
func untag(ctx context.Context, api fakeecr.API) error {
	out, err := api.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: app, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v2")}}})
	if err != nil {
		return err
	}
	for _, failure := range out.Failures {
		if failure.FailureCode != types.ImageFailureCodeImageNotFound {
			return errors.New(*failure.FailureReason)
		}
	}
	return nil
}

// Functions that are wrong, each in its own way, when a call fails.
func TestWrongFunctionsAreNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for what hangs")
	}
	after := fmt.Sprintf("after %v of real time", time.Second*slower)
	var locked sync.Mutex
	locked.Lock()
	poll := func(ctx context.Context, r *fakeecr.Registry, pause func(context.Context) bool) error {
		for tag(ctx, r) != nil {
			if !pause(ctx) {
				return ctx.Err()
			}
		}
		return nil
	}
	for _, c := range []struct {
		name    string
		f       func(context.Context, *fakeecr.Registry) error
		faults  FaultSet
		verdict exploration.Verdict
		says    string
	}{
		{"panics", func(ctx context.Context, r *fakeecr.Registry) error {
			out, _ := r.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: app})
			_ = *out.ImageDetails[0].ImageDigest
			return nil
		}, nil, exploration.Panic, "nil pointer dereference"},
		{"ends its goroutine", func(ctx context.Context, r *fakeecr.Registry) error {
			if err := tag(ctx, r); err != nil {
				runtime.Goexit()
			}
			return nil
		}, nil, exploration.Panic, "it ended its goroutine"},
		{"leaks", func(ctx context.Context, r *fakeecr.Registry) error {
			answer := make(chan error)
			go func() { answer <- tag(ctx, r) }()
			go func() { answer <- untag(ctx, r) }()
			if err := <-answer; err != nil {
				return err
			}
			return <-answer
		}, nil, exploration.Leak, "leaves goroutines that do not end"},
		{"leaks one that sleeps", func(ctx context.Context, r *fakeecr.Registry) error {
			err := tag(ctx, r)
			if err != nil {
				go func() {
					for range time.Tick(time.Second) {
					}
				}()
			}
			return err
		}, nil, exploration.Leak, "leaves goroutines that do not end"},
		{"polls with its context", func(ctx context.Context, r *fakeecr.Registry) error {
			return poll(ctx, r, func(ctx context.Context) bool {
				select {
				case <-time.After(time.Second):
					return true
				case <-ctx.Done():
					return false
				}
			})
		}, Faults("throttled"), exploration.NeverEnds, "it goes on until its context ends"},
		{"polls without its context", func(_ context.Context, r *fakeecr.Registry) error {
			return poll(context.Background(), r, func(context.Context) bool { time.Sleep(time.Second); return true })
		}, Faults("access_denied"), exploration.NeverEnds, "it goes on though its context has ended"},
		{"polls without a pause", func(_ context.Context, r *fakeecr.Registry) error {
			return poll(context.Background(), r, func(context.Context) bool { return true })
		}, Faults("credentials_expired"), exploration.NeverEnds, "it has made more than"},
		{"waits for a channel", func(ctx context.Context, r *fakeecr.Registry) error {
			if tag(ctx, r) != nil {
				<-make(chan struct{})
			}
			return nil
		}, nil, exploration.NeverEnds, "it is blocked: [chan receive"},
		{"sleeps for ever", func(ctx context.Context, r *fakeecr.Registry) error {
			for tag(ctx, r) != nil {
				time.Sleep(1000 * time.Hour)
			}
			return nil
		}, Faults("throttled_once"), exploration.NeverEnds, "it is blocked: [sleep"},
		{"waits for a mutex", func(ctx context.Context, r *fakeecr.Registry) error {
			if tag(ctx, r) != nil {
				locked.Lock()
			}
			return nil
		}, Faults("throttled_once"), exploration.NeverEnds, after + ": [sync.Mutex.Lock] in "},
		{"ignores failures", func(ctx context.Context, r *fakeecr.Registry) error {
			_, err := r.Client().BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: app, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v2")}}})
			return err
		}, nil, exploration.SuccessBut, "tag v2 → sha256"},
		{"says success too early", func(ctx context.Context, r *fakeecr.Registry) error {
			if err := tag(ctx, r.Client()); err != nil && !strings.Contains(err.Error(), "Access") {
				return err
			}
			return nil
		}, nil, exploration.SuccessBut, "tag stable is gone"},
		{"cannot be run again", func(ctx context.Context, r *fakeecr.Registry) error {
			_, err := r.Client().CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("new")})
			return err
		}, nil, exploration.DoesNotRecover, "RepositoryAlreadyExistsException"},
		{"goes elsewhere when run again", func(ctx context.Context, r *fakeecr.Registry) error {
			out, err := r.Client().ListImages(ctx, &ecr.ListImagesInput{RepositoryName: app})
			if err != nil || len(out.ImageIds) == 0 {
				return err
			}
			_, err = r.Client().BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: app, ImageIds: []types.ImageIdentifier{out.ImageIds[0]}})
			return err
		}, nil, exploration.OtherWorld, "is gone"},
		{"spins", func(ctx context.Context, r *fakeecr.Registry) error {
			for failed := tag(ctx, r) != nil; failed && t.Context().Err() == nil; {
				runtime.Gosched()
			}
			return nil
		}, Faults("server_error"), exploration.NeverEnds, "it hangs, and was left behind " + after},
	} {
		t.Run(c.name, func(t *testing.T) {
			var options []Option
			if strings.Contains(c.says, "real time") {
				options = append(options, Within(time.Second)) // the others may take as long as the machine does
			}
			if c.faults != nil {
				options = append(options, c.faults)
			}
			report := survey(t, seeded(t), func(ctx context.Context, r *fakeecr.Registry) (any, error) { return nil, c.f(ctx, r) }, options...)
			for _, finding := range report.Findings() {
				if finding.Verdict == c.verdict && strings.Contains(finding.Detail, c.says) {
					return
				}
			}
			require.Fail(t, "not named "+string(c.verdict)+" "+c.says, "%s\n%v", report, report.Findings())
		})
	}
}

// Functions that are right, whatever fails.
func TestRightFunctionsAreLeftAlone(t *testing.T) {
	for name, f := range map[string]func(context.Context, *fakeecr.Registry) (any, error){
		"tag":           func(ctx context.Context, r *fakeecr.Registry) (any, error) { return nil, tag(ctx, r) },
		"tag by client": func(ctx context.Context, r *fakeecr.Registry) (any, error) { return nil, tag(ctx, r.Client()) },
		"untag":         func(ctx context.Context, r *fakeecr.Registry) (any, error) { return nil, untag(ctx, r.Client()) },
		"two at once": func(ctx context.Context, r *fakeecr.Registry) (any, error) {
			answers := make(chan error, 2)
			go func() { answers <- tag(ctx, r.Client()) }()
			go func() { answers <- untag(ctx, r.Client()) }()
			return nil, errors.Join(<-answers, <-answers)
		},
		"read": func(ctx context.Context, r *fakeecr.Registry) (any, error) {
			var all []types.ImageDetail
			pages := ecr.NewDescribeImagesPaginator(r.Client(), &ecr.DescribeImagesInput{RepositoryName: app})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				all = append(all, page.ImageDetails...)
			}
			return all, nil
		},
		"log in": func(ctx context.Context, r *fakeecr.Registry) (any, error) {
			out, err := r.Client().GetAuthorizationToken(ctx, nil)
			if err != nil {
				return nil, err
			}
			token := *out.AuthorizationData[0].AuthorizationToken
			text, err := base64.StdEncoding.DecodeString(token)
			return []string{token, strings.TrimPrefix(string(text), "AWS:")}, err
		},
		"push what is signed": func(ctx context.Context, r *fakeecr.Registry) (any, error) {
			if _, err := r.Client().PutSigningConfiguration(ctx, &ecr.PutSigningConfigurationInput{SigningConfiguration: &types.SigningConfiguration{Rules: []types.SigningRule{
				{SigningProfileArn: aws.String("arn:aws:signer:us-east-1:123456789012:/signing-profiles/release")},
			}}}); err != nil {
				return nil, err
			}
			_, err := r.Client().PutImage(ctx, &ecr.PutImageInput{RepositoryName: app, ImageManifest: aws.String(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`), ImageTag: aws.String("empty")})
			if there := new(types.ImageAlreadyExistsException); errors.As(err, &there) {
				return nil, nil
			}
			return nil, err
		},
		"wait for a scan": func(ctx context.Context, r *fakeecr.Registry) (any, error) {
			id := &types.ImageIdentifier{ImageTag: aws.String("v1")}
			_, err := r.Client().StartImageScan(ctx, &ecr.StartImageScanInput{RepositoryName: app, ImageId: id})
			if limit := new(types.LimitExceededException); err != nil && !errors.As(err, &limit) {
				return nil, err
			}
			return nil, ecr.NewImageScanCompleteWaiter(r.Client()).Wait(ctx, &ecr.DescribeImageScanFindingsInput{RepositoryName: app, ImageId: id}, 5*time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			report := survey(t, seeded(t), f)
			require.Empty(t, report.Findings(), "%s", report)
			require.Greater(t, len(report.Cells), 5)
		})
	}
}

// What does not return is found also where it does not get as far as the fault.
func TestWrongBeforeTheFault(t *testing.T) {
	for _, c := range []struct {
		wrong   func(context.Context)
		verdict exploration.Verdict
		says    string
	}{
		{func(context.Context) { panic("oh") }, exploration.Panic, "oh"},
		{func(context.Context) { runtime.Goexit() }, exploration.Panic, "it ended its goroutine"},
		{func(ctx context.Context) { <-ctx.Done() }, exploration.NeverEnds, "it goes on until its context ends"},
		{func(context.Context) { go func() { <-make(chan int) }() }, exploration.Leak, "leaves goroutines"},
	} {
		t.Run(string(c.verdict)+" "+c.says, func(t *testing.T) {
			runs := 0
			report := survey(t, seeded(t), func(ctx context.Context, r *fakeecr.Registry) (any, error) {
				if runs++; runs > 1 {
					c.wrong(ctx)
					return nil, nil
				}
				return nil, tag(ctx, r)
			})
			require.NotEmpty(t, report.Cells)
			for _, cell := range report.Cells {
				require.Equal(t, c.verdict, cell.Verdict, "%s", cell)
				require.Contains(t, cell.Detail, c.says)
			}
		})
	}
}

// Who holds a mutex during a call lets others wait for it: then the time of a bubble
// stands still, which is no fault of theirs.
func TestMutexDuringACall(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	f := func(ctx context.Context, r *fakeecr.Registry) (any, error) {
		var mu sync.Mutex
		answers := make(chan error, 2)
		for range 2 {
			go func() {
				mu.Lock()
				defer mu.Unlock()
				answers <- tag(ctx, r.Client())
			}()
		}
		return nil, errors.Join(<-answers, <-answers)
	}
	report := survey(t, seeded(t), f, Faults("throttled_once", "minute_late", "killed"))
	require.Empty(t, report.Findings(), "%s", report)
	require.Empty(t, report.Stopped)
}

// A function that is wrong on the good day is named at once.
func TestWrongOnTheGoodDay(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(context.Context, *fakeecr.Registry) (any, error)
		says string
	}{
		"fails":   {func(context.Context, *fakeecr.Registry) (any, error) { return nil, errors.New("oh") }, "must succeed: oh"},
		"panics":  {func(context.Context, *fakeecr.Registry) (any, error) { panic("oh") }, "PANIC: oh"},
		"leaks":   {func(context.Context, *fakeecr.Registry) (any, error) { go func() { select {} }(); return nil, nil }, "LEAK"},
		"blocks":  {func(context.Context, *fakeecr.Registry) (any, error) { select {} }, "NEVER ENDS"},
		"nothing": {func(context.Context, *fakeecr.Registry) (any, error) { return nil, nil }, "made no call"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSettings()
			s.config.Fixture = fakeecr.New(t)
			s.config.Subject = newLab(t, s, c.f).run
			_, err := exploration.Begin(s.config)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func digestOf(blob []byte) string { return digest.FromBytes(blob).String() }

// What leads to the same other world has one cause, and the table says which world.
func TestOneCauseIsOneFinding(t *testing.T) {
	report := survey(t, fakeecr.New(t), func(ctx context.Context, r *fakeecr.Registry) (any, error) {
		client := r.Client()
		if _, err := client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"new"}}); err == nil {
			return nil, nil // it is taken for whole
		}
		if _, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("new")}); err != nil {
			return nil, err
		}
		_, err := client.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{RepositoryName: aws.String("new"), ImageTagMutability: types.ImageTagMutabilityImmutable})
		return nil, err
	})
	require.Len(t, report.Findings(), 1, "%s", report)
	require.Equal(t, exploration.OtherWorld, report.Findings()[0].Verdict)
	require.Contains(t, report.String(), "CreateRepository#1@new/reply_lost: OTHER WORLD, 5 times: run again, without the fault, it says success, but the world is not as after a good day: 123456789012/us-east-1 new: tag mutability → MUTABLE, was IMMUTABLE\n")
}
