package stage_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// A fault is a rule and what it comes to: the table that the documentation of
// package scenarios prints.
type fault struct {
	rule *scenarios.Rule
	// does is what the caller does, putting if it is nil.
	does *task
	// attempt is what one attempt comes to on every face, but for what differs over
	// a socket.
	attempt, socket outcome
	// retried is what the SDK's client with its default retryer comes to, after so
	// many calls; the outcome of one attempt after one call where it is not said.
	retried outcome
	calls   int
	// carried is how often the task was done after one attempt, and finally after
	// the client's retries.
	carried, finally int
	// registry is what a client of the registry endpoint sees, if the task is a request
	// there.
	registry outcome
	// takes is how long the caller waits on the world's clock.
	takes time.Duration
}

var faults = []fault{
	// Before the operation.
	{rule: scenarios.On("PutImage").Delay(time.Hour), attempt: ok, carried: 1, takes: time.Hour, registry: saw("201")},
	{rule: scenarios.On("PutImage").Hold(), attempt: ok, carried: 1, registry: saw("201")},
	{rule: scenarios.On("PutImage").Together(2), does: &putBesides, attempt: ok, carried: 1, registry: saw("201")},
	{rule: scenarios.On("PutImage").AtMost(0.001, 1), does: &putAfter, attempt: code("ThrottlingException"), retried: code("ThrottlingException"), calls: 3, registry: saw("429 TOOMANYREQUESTS")},
	{rule: scenarios.On("PutImage").First(1).Ask(refuse), attempt: code("ThrottlingException"), retried: ok, calls: 2, finally: 1, registry: saw("429 TOOMANYREQUESTS")},

	// In its place.
	{rule: scenarios.On("PutImage").First(1).Fail(scenarios.Throttled()), attempt: code("ThrottlingException"), retried: ok, calls: 2, finally: 1, registry: saw("429 TOOMANYREQUESTS")},
	{rule: scenarios.On("PutImage").Fail(scenarios.Throttled()), attempt: code("ThrottlingException"), retried: code("ThrottlingException"), calls: 3, registry: saw("429 TOOMANYREQUESTS")},
	{rule: scenarios.On("PutImage").First(1).Fail(&types.ServerException{}), attempt: as[*types.ServerException]("*types.ServerException"), retried: ok, calls: 2, finally: 1, registry: saw("500 UNKNOWN")},
	{rule: scenarios.On("PutImage").First(1).Fail(&types.KmsException{}), attempt: as[*types.KmsException]("*types.KmsException"), registry: saw("403 DENIED")},
	{rule: scenarios.On("PutImage").Fail(&types.LimitExceededException{}), attempt: as[*types.LimitExceededException]("*types.LimitExceededException"),
		retried: as[*types.LimitExceededException]("*types.LimitExceededException"), calls: 3, registry: saw("403 DENIED")},
	{rule: scenarios.On("PutImage").First(1).Fail(errors.New("boom")), attempt: code("InternalFailure"), retried: ok, calls: 2, finally: 1, registry: saw("500 UNKNOWN")},
	{rule: scenarios.On("PutImage").First(1).Fail(&scenarios.Response{Status: 503, Body: "<html>"}), attempt: answered(503), retried: ok, calls: 2, finally: 1, registry: saw("503")},
	{rule: scenarios.On("PutImage").First(1).Fail(&scenarios.Response{Status: 403, Body: "<html>"}), attempt: answered(403), registry: saw("403")},
	{rule: scenarios.On("PutImage").First(1).Fail(&scenarios.Response{Status: 200, Body: `{"image`}), attempt: as[*smithy.DeserializationError]("*smithy.DeserializationError"), registry: saw("200")},
	{rule: scenarios.On("PutImage").First(1).Fail(scenarios.ErrConnectionRefused), attempt: is("syscall.ECONNREFUSED", syscall.ECONNREFUSED), socket: is("syscall.ECONNRESET", syscall.ECONNRESET), retried: ok, calls: 2, finally: 1, registry: refusedOrReset},
	{rule: scenarios.On("PutImage").First(1).Fail(scenarios.ErrConnectionReset), attempt: is("syscall.ECONNRESET", syscall.ECONNRESET), retried: ok, calls: 2, finally: 1, registry: is("syscall.ECONNRESET", syscall.ECONNRESET)},
	{rule: scenarios.On("PutImage").First(1).Fail(scenarios.ErrNoAnswer), attempt: is("context.DeadlineExceeded", context.DeadlineExceeded), registry: is("context.DeadlineExceeded", context.DeadlineExceeded)},
	{rule: scenarios.On("PutImage").Sequence(scenarios.Throttled(), scenarios.ErrReplyLost), attempt: code("ThrottlingException"),
		retried: as[*types.ImageAlreadyExistsException]("*types.ImageAlreadyExistsException"), calls: 3, finally: 1, registry: saw("429 TOOMANYREQUESTS")},
	{rule: scenarios.On("PutImage").NotThereFor(24 * time.Hour), attempt: as[*types.RepositoryNotFoundException]("*types.RepositoryNotFoundException"), registry: saw("404 NAME_UNKNOWN")},
	{rule: scenarios.On("ListImages").Answer(&ecr.ListImagesOutput{}), does: &tagList, attempt: saw("0 of 3 tags"), registry: saw("200, 0 of 3 tags")},
	{rule: scenarios.On("GetAuthorizationToken").With(scenarios.Around(answerNothing)), does: &authorization, attempt: saw("an empty output")},

	// Behind it.
	{rule: scenarios.On("PutImage").First(1).Drop(), attempt: as[*smithyhttp.RequestSendError]("*smithyhttp.RequestSendError"),
		retried: as[*types.ImageAlreadyExistsException]("*types.ImageAlreadyExistsException"), calls: 2, carried: 1, finally: 1, registry: is("io.EOF", io.EOF)},
	{rule: scenarios.On("BatchDeleteImage").First(1).Drop(), does: &deletion, attempt: as[*smithyhttp.RequestSendError]("*smithyhttp.RequestSendError"),
		retried: saw("the failure ImageNotFound"), calls: 2, carried: 1, finally: 1, registry: is("io.EOF", io.EOF)},
	{rule: scenarios.On("PutImage").First(1).CutAfter(20), attempt: is("io.ErrUnexpectedEOF", io.ErrUnexpectedEOF), carried: 1, registry: saw("201")},
	{rule: scenarios.On("PutImage").First(1).ResetAfter(20), attempt: is("syscall.ECONNRESET", syscall.ECONNRESET), carried: 1,
		retried: as[*types.ImageAlreadyExistsException]("*types.ImageAlreadyExistsException"), calls: 2, finally: 1, registry: saw("201")},
	{rule: scenarios.On("PutImage").First(1).CutAfter(1 << 20), attempt: ok, carried: 1, registry: saw("201")},
	{rule: scenarios.On("PutImage").Stall(time.Hour), attempt: ok, carried: 1, takes: time.Hour, registry: saw("201")},
	{rule: scenarios.On("BatchGetImage").Trickle(10), does: &manifest, attempt: ok, takes: 30 * time.Second, registry: saw("200")},
	{rule: scenarios.On("PutImage").First(1).Twice(), attempt: as[*types.ImageAlreadyExistsException]("*types.ImageAlreadyExistsException"), carried: 1, registry: saw("201")},
	{rule: scenarios.On("BatchDeleteImage").FailItem(1, "KmsError", "not now"), does: &deletion, attempt: saw("the failure KmsError"), registry: saw("403 DENIED")},
	{rule: scenarios.On("GetAuthorizationToken").With(scenarios.Change(spoil)), does: &authorization, attempt: saw("a token that is no base64")},
	{rule: scenarios.On("UploadLayerPart").Garble(50), does: &uploading, attempt: as[*types.InvalidLayerException]("*types.InvalidLayerException"), registry: saw("400 BLOB_UPLOAD_INVALID")},
	{rule: scenarios.On("ListImages").First(1).ShortPage(1), does: &tagList, attempt: saw("1 of 3 tags, and more"), registry: saw("200, 1 of 3 tags, and more")},
	{rule: scenarios.On("ListImages").First(1).EmptyPage(), does: &tagList, attempt: saw("0 of 3 tags, and more"), registry: saw("200, 0 of 3 tags, and more")},
	{rule: scenarios.On("BatchGetImage").Reserialise(), does: &manifest, attempt: saw("a manifest with another digest"), registry: saw("200, a manifest with another digest")},
	{rule: scenarios.On(scenarios.DownloadLayer).Flip(50), does: &download, attempt: saw("a layer with another digest"), registry: saw("200, a layer with another digest")},
	{rule: scenarios.On(scenarios.DownloadLayer).Keep(50), does: &download, attempt: saw("50 bytes of 100"), registry: saw("200, 50 bytes of 100")},
	{rule: scenarios.On(scenarios.DownloadLayer).Fail(&scenarios.Response{Status: 503}), does: &download, attempt: saw("status 503"), registry: saw("503")},
	{rule: scenarios.On(scenarios.DownloadLayer).Fail(scenarios.Throttled()), does: &download, attempt: saw("status 503 SlowDown"), registry: saw("503 SlowDown")},
	{rule: scenarios.On(scenarios.DownloadLayer).Fail(&types.ServerException{}), does: &download, attempt: saw("status 500 InternalError"), registry: saw("500 InternalError")},
	{rule: scenarios.On(scenarios.DownloadLayer).CutAfter(50), does: &download, attempt: is("io.ErrUnexpectedEOF", io.ErrUnexpectedEOF), registry: is("io.ErrUnexpectedEOF", io.ErrUnexpectedEOF)},
	{rule: scenarios.On(scenarios.DownloadLayer).ResetAfter(50), does: &download, attempt: is("syscall.ECONNRESET", syscall.ECONNRESET), registry: is("syscall.ECONNRESET", syscall.ECONNRESET)},
	{rule: scenarios.On("BatchGetImage", scenarios.Tag("v1")).FailItem(1, "ImageNotFound", "not there"), does: &manifest, attempt: saw("the failure ImageNotFound"), registry: saw("404 MANIFEST_UNKNOWN")},
	{rule: scenarios.On("BatchGetImage", scenarios.Digest(child)).FailItem(1, "ImageNotFound", "not there"), does: &children, attempt: saw("the failure ImageNotFound"), registry: saw("404 MANIFEST_UNKNOWN")},
	{rule: scenarios.On("BatchGetImage").First(1).Stale(time.Hour), does: &tagging, attempt: saw("the failure ImageNotFound"), carried: 1, registry: saw("404 MANIFEST_UNKNOWN")},
	{rule: scenarios.On("BatchGetImage").First(1).StaleBy(1), does: &tagging, attempt: saw("the failure ImageNotFound"), carried: 1, registry: saw("404 MANIFEST_UNKNOWN")},
	{rule: scenarios.On("BatchGetImage").First(1).Frozen(), does: &tagging, attempt: saw("the failure ImageNotFound"), carried: 1, registry: saw("404 MANIFEST_UNKNOWN")},

	// On what the world does by itself, as it is seen an hour later.
	{rule: scenarios.On(scenarios.CompleteScan).Fail(scenarios.Throttled()), does: scanning, attempt: saw("the scan: FAILED Rate exceeded"), takes: time.Hour},
	{rule: scenarios.On(scenarios.CompleteScan).Delay(24 * time.Hour), does: scanning, attempt: saw("the scan: IN_PROGRESS"), takes: time.Hour},
	{rule: scenarios.On(scenarios.CompleteLifecyclePolicyPreview).Fail(scenarios.Throttled()), does: previewing, attempt: saw("the preview: FAILED"), takes: time.Hour},
	{rule: scenarios.On(scenarios.RunLifecyclePolicy).Fail(scenarios.Throttled()), does: expiry, attempt: saw("the old image: there"), takes: time.Hour},
	{rule: scenarios.On(scenarios.ReceiveReplica).Fail(scenarios.Throttled()), does: replicating, attempt: saw("the replica: FAILED Throttling"), takes: time.Hour},
	{rule: scenarios.On(scenarios.ActivateImage).Fail(scenarios.Throttled()), does: activation, attempt: saw("the image: ARCHIVED"), takes: time.Hour},
	{rule: scenarios.On(scenarios.SignImage).Fail(scenarios.Throttled()), does: signature, attempt: saw("the signature: FAILED ThrottlingException Rate exceeded"), takes: time.Hour},
	{rule: scenarios.On(scenarios.PullFromUpstream).First(1).Fail(scenarios.Throttled()), does: &looking, attempt: saw("the failure UpstreamTooManyRequests"), registry: saw("429 TOOMANYREQUESTS")},
}

func refuse(*scenarios.Call) error { return scenarios.Throttled() }

func answerNothing(context.Context, *ecr.GetAuthorizationTokenInput, func(context.Context, *ecr.GetAuthorizationTokenInput) (*ecr.GetAuthorizationTokenOutput, error)) (*ecr.GetAuthorizationTokenOutput, error) {
	return nil, nil
}

func spoil(out *ecr.GetAuthorizationTokenOutput) {
	out.AuthorizationData[0].AuthorizationToken = aws.String("no base64!")
}

// An outcome is what a caller is left with: an error or, without one, what it saw.
type outcome struct {
	text  string
	holds func(saw string, err error) bool
}

var ok = saw("ok")

func saw(text string) outcome {
	return outcome{text, func(saw string, err error) bool { return err == nil && saw == text }}
}

func as[E error](text string) outcome {
	return outcome{text, func(_ string, err error) bool { var e E; return errors.As(err, &e) }}
}

func is(text string, target error) outcome {
	return outcome{text, func(_ string, err error) bool { return errors.Is(err, target) }}
}

// refusedOrReset is a connection that was never made. Over a socket it was, and ends.
var refusedOrReset = outcome{"syscall.ECONNREFUSED, over a socket syscall.ECONNRESET", func(_ string, err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}}

func code(code string) outcome {
	return outcome{code, func(_ string, err error) bool {
		var api interface{ ErrorCode() string }
		return errors.As(err, &api) && api.ErrorCode() == code
	}}
}

func answered(status int) outcome {
	return outcome{"*awshttp.ResponseError, " + http.StatusText(status), func(_ string, err error) bool {
		var response *awshttp.ResponseError
		return errors.As(err, &response) && response.HTTPStatusCode() == status
	}}
}

// afterRetries is what a client is left with that retries, after how many calls,
// and how often the task was done then.
func (f fault) afterRetries() (left outcome, calls, carried int) {
	if f.calls == 0 {
		return f.attempt, 1, f.carried
	}
	return f.retried, f.calls, f.finally
}

// overSocket is what one attempt over a socket comes to.
func (f fault) overSocket() outcome {
	if f.socket.holds != nil {
		return f.socket
	}
	return f.attempt
}

func (f fault) task() *task {
	if f.does == nil {
		return &putting
	}
	return f.does
}

// world is what the task's world has besides.
func (f fault) world(t *testing.T) []fakeecr.Option {
	if f.task().world == nil {
		return nil
	}
	return f.task().world(t)
}

// atRegistry is the fault of a task that is done at the registry endpoint.
func (f fault) atRegistry(e *faces.Endpoint) fault {
	requested := *f.task()
	requested.do = func(ctx context.Context, t *testing.T, _ faces.Face) (string, error) {
		return requested.request(ctx, t, e)
	}
	f.does = &requested
	return f
}

func TestFaults(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.rule.String(), func(t *testing.T) {
			retried, calls, finally := fault.afterRetries()
			withoutTime(t, "direct", func(t *testing.T) {
				fault.test(t, faces.Direct(fakeecr.New(t, fault.world(t)...)), fault.attempt, 1, fault.carried)
			})
			withoutTime(t, "client", func(t *testing.T) {
				fault.test(t, faces.Socketless(fakeecr.New(t, fault.world(t)...)), fault.attempt, 1, fault.carried)
			})
			withoutTime(t, "client that retries", func(t *testing.T) {
				registry := fakeecr.New(t, fault.world(t)...)
				fault.test(t, faces.Face{API: registry.Client(), Name: "client", Registry: registry}, retried, calls, finally)
			})
			t.Run("loopback", func(t *testing.T) {
				fault.test(t, faces.Loopback(fakeecr.NewServer(t, fault.world(t)...)), fault.overSocket(), 1, fault.carried)
			})
			t.Run("loopback that retries", func(t *testing.T) {
				server := fakeecr.NewServer(t, fault.world(t)...)
				fault.test(t, faces.Face{API: server.Client(withoutPause), Name: "loopback", Registry: server.Registry}, retried, calls, finally)
			})
			require.Equal(t, fault.task().request != nil, fault.registry.holds != nil, "what is seen at the registry endpoint")
			if fault.task().request == nil {
				return
			}
			withoutTime(t, "registry", func(t *testing.T) {
				registry := fakeecr.New(t, fault.world(t)...)
				fault.atRegistry(faces.InProcess(t, registry)).test(t, faces.Direct(registry), fault.registry, 1, fault.carried)
			})
			t.Run("registry over loopback", func(t *testing.T) {
				server := fakeecr.NewServer(t, fault.world(t)...)
				fault.atRegistry(overSocket(t, server)).test(t, faces.Loopback(server), fault.registry, 1, fault.carried)
			})
		})
	}
}

// withoutTime runs a test where pauses take no time.
func withoutTime(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// withoutPause retries as the SDK does, at once.
func withoutPause(o *ecr.Options) {
	o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
		s.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

func (f fault) test(t *testing.T, on faces.Face, want outcome, calls, carried int) {
	does := f.task()
	if does.prepare != nil {
		does.prepare(t, on)
	}
	f.rule = f.rule.Optional()
	playing := on.Registry.Play(scenarios.Scenario{f.rule})
	if does.besides != nil {
		does.besides(t, on, playing)
	}
	others := playing.Matched(f.rule)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Hour)
	defer cancel()
	patience := ctx
	if errors.Is(f.rule.Parts().Effects().Err, scenarios.ErrNoAnswer) {
		patience = faces.UntilHeld(ctx, playing)
	}
	begun := on.Registry.Now()
	if f.rule.Parts().Effects().Hold {
		go func() {
			if playing.WaitHeld(ctx, 1) == nil {
				playing.Release()
			}
		}()
	}
	if f.takes > 0 && on.Name == "loopback" && !does.advances {
		go func() { // nothing but the test lets the time of a world with a socket pass
			if playing.WaitHeld(ctx, 1) == nil {
				on.Registry.Advance(2 * time.Hour) // longer than any of them takes
			}
		}()
	}
	seen, err := does.do(patience, t, on)
	require.True(t, want.holds(seen, err), "not %s, but %s: %v (%s)", want.text, seen, err, faces.Chain(err))
	took := on.Registry.Now().Sub(begun)
	require.GreaterOrEqual(t, took, f.takes)
	if on.Name != "loopback" {
		require.Less(t, took, f.takes+time.Minute, "with the pauses of the client")
	}
	require.Equal(t, calls, playing.Matched(f.rule)-others, "calls")
	nothing := f.rule.Parts().Effects().Reply.Cut != nil && err == nil
	require.Equal(t, !nothing, playing.Fired(f.rule) > 0, "it has fired unless there was nothing to cut")
	cancel()
	playing.Stop()
	if does.done != nil {
		require.Equal(t, carried, does.done(t, on), "carried out")
	}
}
