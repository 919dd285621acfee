package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

// programs are what is explored, each in a process of this test's binary.
var programs = map[string]func(context.Context, *ecr.Client) error{
	"seed": func(ctx context.Context, client *ecr.Client) error {
		_, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
		return err
	},
	"right": func(ctx context.Context, client *ecr.Client) error {
		_, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/new")})
		if there := new(types.RepositoryAlreadyExistsException); errors.As(err, &there) {
			return nil
		}
		return err
	},
	"once": func(ctx context.Context, client *ecr.Client) error {
		_, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/new")})
		return err
	},
	"endless": func(ctx context.Context, client *ecr.Client) error {
		for {
			if _, err := client.DescribeRepositories(ctx, nil); err == nil {
				return nil
			}
		}
	},
	"sleeping": func(ctx context.Context, client *ecr.Client) error {
		if _, err := client.DescribeRepositories(ctx, nil); err != nil {
			time.Sleep(time.Hour)
		}
		return nil
	},
}

const program = "FAKEECR_EXPLORED"

func TestMain(m *testing.M) {
	run, is := programs[os.Getenv(program)]
	if !is {
		os.Exit(m.Run())
	}
	loaded, err := awsconfig.LoadDefaultConfig(context.Background(), awsconfig.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}))
	if err == nil {
		err = run(context.Background(), ecr.NewFromConfig(loaded))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("done at", time.Now().Format(time.RFC3339))
	os.Exit(0)
}

// exploredProgram is what exploring a program comes to.
func exploredProgram(t *testing.T, name string, args ...string) (status int, output, complaint string) {
	t.Helper()
	t.Setenv(program, name)
	var stdout, stderr bytes.Buffer
	status = explore(t.Context(), append(args, "--", os.Args[0]), &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

func TestExploreAProgram(t *testing.T) {
	status, output, complaint := exploredProgram(t, "right")
	require.Zero(t, status, output+complaint)
	require.Contains(t, output, "CreateRepository#1@team/new  .   r   .   r   r   .   .   r   .")
	require.Contains(t, output, "9 variations of 1 call, 0 findings")

	page := filepath.Join(t.TempDir(), "explore.html")
	status, output, _ = exploredProgram(t, "once", "-p", "2", "-report", page)
	require.Equal(t, 1, status)
	require.Contains(t, output, "CreateRepository#1@team/new/reply_lost: DOES NOT RECOVER: run again, without the fault, it says: exit status 1")
	require.Contains(t, output, "To repeat it: fakeecr explore -only 'CreateRepository#1@team/new/reply_lost'")
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(text), "DOES NOT RECOVER")

	status, output, _ = exploredProgram(t, "once", "-only", "CreateRepository#1@team/new/killed")
	require.Equal(t, 1, status)
	require.Contains(t, output, "1 variation of 1 call, 1 finding")
	status, output, _ = exploredProgram(t, "once", "-faults", "reply_lost", "-accept", "CreateRepository#1@team/new/reply_lost=it is run once")
	require.Zero(t, status, output)
	require.Contains(t, output, "accepted: it is run once")
}

// A program that knows ECR by its own names alone comes by the proxy.
func TestExploreThroughAProxy(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("NO_PROXY", "*")
	status, output, complaint := exploredProgram(t, "right", "-proxy")
	require.Zero(t, status, output+complaint)
	require.Contains(t, output, "CreateRepository#1@team/new  .   r   .   r   r   .   .   r   .")
}

func TestExploreAProgramThatDoesNotEnd(t *testing.T) {
	status, output, _ := exploredProgram(t, "endless", "-faults", "access_denied,throttled_once")
	require.Equal(t, 1, status)
	require.Contains(t, output, "DescribeRepositories#1/access_denied: NEVER ENDS: it has made too many calls: more than 120")
	status, output, _ = exploredProgram(t, "sleeping", "-faults", "access_denied", "-timeout", "5s")
	require.Equal(t, 1, status)
	require.Contains(t, output, "NEVER ENDS: it has not ended within 5s")
}

func TestExploreSeedsOnce(t *testing.T) {
	setup := program + "=seed '" + os.Args[0] + "'"
	status, output, complaint := exploredProgram(t, "once", "-setup", setup, "-faults", "server_error", "-region", "eu-west-1")
	require.Zero(t, status, output+complaint)
	status, _, complaint = exploredProgram(t, "once", "-setup", "exit 3")
	require.Equal(t, 2, status)
	require.Contains(t, complaint, "-setup: exit status 3")
}

func TestMistakesInExplore(t *testing.T) {
	for says, args := range map[string][]string{
		"it needs a command":              {},
		`there is no fault "nothing"`:     {"-faults", "nothing", "--", "true"},
		"above 0":                         {"-p", "0", "--", "true"},
		"the code never reached the fake": {"--", "true"},
		"must succeed: exit status 1":     {"--", "false"},
		"an account is 12 digits":         {"-account", "1", "--", "true"},
		"executable file not found":       {"--", "no-such-command"},
		"why it may stay":                 {"-accept", "a", "--", "true"},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 2, explore(t.Context(), args, &stdout, &stderr), says)
		require.Contains(t, stderr.String(), says)
	}
	var stdout, stderr bytes.Buffer
	require.Zero(t, explore(t.Context(), []string{"-help"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "fakeecr explore [flags] -- COMMAND")
}
