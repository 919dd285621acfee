// Badday pushes an image to an ECR that has a bad day and pulls it back: writes
// are throttled, a session ends in the middle of a layer, the reply to the image
// is lost, and its layer comes back damaged. The program gets through, and prints
// what was played.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatalf("badday: %v", err)
	}
}

func run(ctx context.Context, report io.Writer) error {
	image := fakeecr.RandomImage(1, 11<<20)
	day := slices.Concat(
		scenarios.Scenario{scenarios.On(scenarios.Writes).Every(3).Fail(scenarios.Throttled()).Named("throttle storm")},
		scenarios.TokenExpires(1),
		scenarios.LostReply("PutImage"),
		scenarios.CorruptLayer(digest(image.Blobs[0])),
	)
	registry := fakeecr.New(nil, fakeecr.WithSeed(1))
	playing := registry.Play(day)
	client := registry.Client(func(o *ecr.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	})
	caller := &caller{report, client, registry.Transport()}
	if err := caller.push(ctx, image); err != nil {
		return err
	}
	if err := caller.pull(ctx, image); err != nil {
		return err
	}
	tell(report, day, playing, registry.Trace())
	return nil
}

// tell says how often each rule fired, and what became of each call.
func tell(report io.Writer, day scenarios.Scenario, playing *fakeecr.Playing, trace scenarios.Trace) {
	fmt.Fprintln(report, "\nWhat was played, and how often:")
	for _, rule := range day {
		fmt.Fprintf(report, "%d  %s\n", playing.Fired(rule), brief(rule.String()))
	}
	fmt.Fprintln(report, "\nEvery call, in order:")
	for _, call := range trace {
		line := fmt.Sprintf("%2d  %-22s  %-27s  %s", call.Number, call.Operation, outcome(call), brief(strings.Join(call.Rules, "; ")))
		fmt.Fprintln(report, strings.TrimRight(line, " "))
	}
}

// outcome is what became of a call, in a word or two.
func outcome(call scenarios.Call) string {
	var api smithy.APIError
	switch {
	case errors.As(call.Err, &api):
		return api.ErrorCode()
	case call.Err != nil:
		return call.Err.Error()
	default:
		return "ok"
	}
}

// brief cuts digests down to what tells them apart.
func brief(text string) string {
	if before, after, found := strings.Cut(text, "sha256:"); found && len(after) > 12 {
		return before + "sha256:" + after[:12]
	}
	return text
}
