package explore_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/explore"
	"github.com/fakeecr/ecr/scenarios"
)

// subject is the test that another process of this binary runs.
const subject = "EXPLORE_SUBJECT"

// createAll makes two repositories, and cannot be run again.
func createAll(ctx context.Context, r *fakeecr.Registry) (int, error) {
	for i, name := range []string{"one", "two"} {
		if _, err := r.Client().CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
			return i, err
		}
	}
	return 2, nil
}

var subjects = map[string]func(t *testing.T){
	"finding": func(t *testing.T) { explore.Run(t, fakeecr.New(t), createAll) },
	"accepted": func(t *testing.T) {
		explore.Run(t, fakeecr.New(t), createAll, explore.Accept("CreateRepository#1@one/reply_lost", "nobody runs it twice"))
	},
	"needless": func(t *testing.T) {
		explore.Run(t, fakeecr.New(t), createAll, explore.Accept("CreateRepository#1@one/minute_late", "it might"), explore.Faults("minute_late"))
	},
	"unknown": func(t *testing.T) {
		explore.Run(t, fakeecr.New(t), createAll, explore.Accept("PutImage#1", "it might"))
	},
	"other type": func(t *testing.T) {
		explore.Run(t, fakeecr.New(t), createAll, explore.Check(func(*fakeecr.Registry, string, error) error { return nil }))
	},
	"mistakes": func(t *testing.T) {
		explore.Run(t, fakeecr.New(t), createAll, explore.Limit(0), explore.Within(-1), explore.Calls(0), append(explore.Faults("nothing"), explore.Fault{Name: "a/b", Rules: explore.Faults("throttled")[0].Rules}), explore.Accept("a", ""))
	},
	"hangs": func(t *testing.T) {
		explore.Run(t, fakeecr.New(t), func(ctx context.Context, r *fakeecr.Registry) (int, error) {
			n, err := createAll(ctx, r)
			//lint:ignore SA5002 it is to spin
			for err != nil {
			}
			return n, err
		}, explore.Within(time.Second))
	},
}

// TestSubject is run by the others, in a process of its own.
func TestSubject(t *testing.T) {
	run, is := subjects[os.Getenv(subject)]
	if !is {
		t.Skip("is run by other tests")
	}
	run(t)
}

// explored is what a process prints that runs a subject.
func explored(t *testing.T, name string, arguments ...string) (output string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=^TestSubject$", "-test.v"}, arguments...)...)
	command.Env = append(os.Environ(), subject+"="+name)
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestRunFailsWithWhatItFound(t *testing.T) {
	directory := t.TempDir()
	output, err := explored(t, "finding", "-test.artifacts", "-test.outputdir="+directory)
	require.Error(t, err)
	require.Contains(t, output, "--- FAIL: TestSubject/CreateRepository#1@one/reply_lost")
	require.Contains(t, output, "CreateRepository#1@one/reply_lost: DOES NOT RECOVER: run again, without the fault, it says: operation error ECR: CreateRepository")
	require.Contains(t, output, "RepositoryAlreadyExistsException")
	require.Contains(t, output, `scenarios.On("CreateRepository", scenarios.Same("CreateRepository 123456789012/us-east-1 one")).Nth(1).Drop(),`)
	require.Contains(t, output, `{"rules":[{"on":"CreateRepository","where":{"same":"CreateRepository 123456789012/us-east-1 one"},"when":{"nth":1},"do":{"drop":true}}]}`)
	require.Contains(t, output, "To repeat it: go test -run 'TestSubject/CreateRepository#1@one/reply_lost$'")
	require.Contains(t, output, "--- SKIP: TestSubject/CreateRepository#1@one/killed")
	require.Contains(t, output, "DOES NOT RECOVER, of the same cause as CreateRepository#1@one/reply_lost")
	require.Contains(t, output, "CreateRepository#1@one  .   ", "the table")
	require.Regexp(t, `variations of 2 calls, \d findings?`, output)

	left := regexp.MustCompile(`the same as a page: (\S+)`).FindStringSubmatch(output)
	require.NotNil(t, left, output)
	page, err := os.ReadFile(left[1])
	require.NoError(t, err)
	require.Contains(t, string(page), `id="CreateRepository#1@one/reply_lost"`)
	require.Contains(t, string(page), "DOES NOT RECOVER")
}

func TestOneVariationIsRepeated(t *testing.T) {
	output, err := explored(t, "finding", "-test.run=^TestSubject$/^CreateRepository#1@two$/^reply_lost$")
	require.Error(t, err)
	require.Contains(t, output, "--- FAIL: TestSubject/CreateRepository#1@two/reply_lost")
	require.Contains(t, output, "1 variation of 2 calls, 1 finding")
}

func TestAcceptedFindings(t *testing.T) {
	output, _ := explored(t, "accepted")
	require.Contains(t, output, "--- PASS: TestSubject/CreateRepository#1@one/reply_lost")
	require.Contains(t, output, "accepted: nobody runs it twice")
	output, err := explored(t, "needless")
	require.Error(t, err)
	require.Contains(t, output, "CreateRepository#1@one/minute_late is accepted (it might) and nothing was found: survived")
	output, err = explored(t, "unknown")
	require.Error(t, err)
	require.Contains(t, output, `Accept("PutImage#1"): there is no such variation`)
}

func TestMistakesInOptions(t *testing.T) {
	output, err := explored(t, "other type")
	require.Error(t, err)
	require.Contains(t, output, "Check is for answers of type string, and Run's function answers int")
	output, err = explored(t, "mistakes")
	require.Error(t, err)
	for _, says := range []string{"Limit(0s)", "Within(-1ns)", "Calls(0)", `there is no fault "nothing", but throttled_once, throttled, `, `without a slash or a space: "a/b"`, `Accept("a") without a reason`} {
		require.Contains(t, output, says)
	}
}

// What spins for ever takes neither the binary nor the exploration along.
func TestThreeThatHangEndAnExploration(t *testing.T) {
	output, err := explored(t, "hangs")
	require.Error(t, err)
	require.Contains(t, output, "NEVER ENDS: it hangs, and was left behind after")
	require.Contains(t, output, "3 runs did not end and were left behind: the exploration stops here")
	require.Contains(t, output, "stopped: 3 runs")
	require.Contains(t, output, "3 times: it hangs")
}

func TestOptions(t *testing.T) {
	fixture := fakeecr.New(t)
	checked := 0
	report := explore.Run(t, fixture, createAll, explore.WithoutRecovery(),
		append(explore.Faults("server_error", "access_denied"), explore.Fault{Name: "slow", Rules: func(call scenarios.Call, nth int) scenarios.Scenario {
			return scenarios.Scenario{scenarios.On(call.Operation, scenarios.Same(call.Identity())).Nth(nth).Stall(48 * time.Hour)}
		}}),
		explore.Limit(7*24*time.Hour),
		explore.SameAnswer(func(good, answer int) bool { return good == 2 && answer == 2 }),
		explore.Check(func(r *fakeecr.Registry, answer int, err error) error {
			checked++
			out, listed := r.Inspect()[0].DescribeRepositories(t.Context(), nil)
			if listed != nil || len(out.Repositories) != answer {
				return errors.Join(listed, errors.New("it answers another number"))
			}
			return nil
		}))
	require.Empty(t, report.Findings())
	require.Len(t, report.Cells(), 6)
	require.Equal(t, 7, checked)
	require.Len(t, report.Good(), 2)
	verdicts := map[string]string{}
	for _, cell := range report.Cells() {
		verdicts[cell.Name] = cell.Verdict
	}
	require.Equal(t, map[string]string{
		"CreateRepository#1@one/server_error": "survived", "CreateRepository#1@one/access_denied": "failed", "CreateRepository#1@one/slow": "survived",
		"CreateRepository#1@two/server_error": "survived", "CreateRepository#1@two/access_denied": "failed", "CreateRepository#1@two/slow": "survived",
	}, verdicts)
}

// The code under test builds its own client from the environment, and what is delayed
// takes no time.
func TestSockets(t *testing.T) {
	begun := time.Now()
	report := explore.Run(t, fakeecr.New(t), func(ctx context.Context, _ *fakeecr.Registry) (any, error) {
		loaded, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, err
		}
		_, err = ecr.NewFromConfig(loaded).CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("one")})
		return nil, err
	}, explore.Sockets(), explore.Faults("minute_late", "access_denied"))
	require.Empty(t, report.Findings())
	require.Len(t, report.Cells(), 2)
	require.Less(t, time.Since(begun), 20*time.Second)
}

// The world's clock and that of the function under test agree.
func TestTimeAgrees(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.Advance(1000 * time.Hour)
	explore.Run(t, fixture, func(ctx context.Context, r *fakeecr.Registry) (any, error) {
		before := time.Now()
		if _, err := r.Client().DescribeRepositories(ctx, nil); err != nil {
			return nil, err
		}
		if d := r.Trace()[0].Time.Sub(before); d < -time.Second || d > time.Second || before.Before(fixture.Now().Add(-time.Hour)) {
			return nil, errors.New("the clocks are apart by " + d.String())
		}
		return nil, nil
	}, explore.Faults("throttled_once"))
}

// Runs are equal, and an exploration of equal runs finds the same.
func TestTwoExplorationsAreEqual(t *testing.T) {
	fixture := fakeecr.New(t, fakeecr.WithSeed(1))
	explored := func() string {
		return explore.Run(t, fixture, func(ctx context.Context, r *fakeecr.Registry) (any, error) {
			out, err := r.Client().GetAuthorizationToken(ctx, nil)
			if err != nil {
				return nil, err
			}
			return len(out.AuthorizationData), nil
		}).String()
	}
	require.Equal(t, explored(), explored())
	require.True(t, strings.HasPrefix(explored(), "                         a   b "), explored())
}
