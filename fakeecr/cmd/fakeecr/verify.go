package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
)

// The exit statuses of verify.
const (
	allHeld          = 0
	somethingDiffers = 1
	notDone          = 2 // it could not begin, did not come to its end, or left something behind
)

// verification plays transcripts against a registry.
type verification struct {
	endpoint, v2, account, region, second string
	statuses, pattern, record             string
	settings, list, sweep, verbose        bool

	console
	files []*transcript.File
	// environment is the variables of the process; run runs a program and answers its
	// output.
	environment func(string) string
	run         func(ctx context.Context, environment []string, name string, args ...string) ([]byte, error)
	transport   http.RoundTripper
	pause       func(ctx context.Context, d time.Duration) error
}

const verifyUsage = `Usage: fakeecr verify [flags]

Plays the statements about ECR that come with fakeecr, and says which of them hold: of
the fake itself, of any other emulator by -endpoint URL, or of Amazon ECR by
-endpoint aws. Everything that is made is named fakeecr-verify/RANDOM/… and is taken
away again, also after ^C; whatever else lies in the registry is not touched.

Exit status: 0 if all held that was asked, 1 if something differs, 2 if it could not be
asked, or something was left behind.

`

// verify is the subcommand of that name. A second interrupt ends the process at once.
func verify(ctx context.Context, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	v := &verification{
		console:     console{in: os.Stdin, out: os.Stdout, err: os.Stderr, live: isTerminal(os.Stderr), asks: isTerminal(os.Stdin) && isTerminal(os.Stderr)},
		environment: os.Getenv, run: runProgram, transport: overSockets(), pause: pause,
	}
	defer context.AfterFunc(ctx, func() {
		fmt.Fprintln(v.err, "\nfakeecr: stopping: what was made is being taken away; a second ^C leaves it there for -sweep")
		stop()
	})()
	return v.main(ctx, args)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (v *verification) main(ctx context.Context, args []string) int {
	err := v.parse(args)
	if err == nil && v.files == nil {
		v.files, err = transcript.All()
	}
	var chosen []*transcript.Transcript
	if err == nil {
		chosen, err = v.choose()
	}
	status := notDone
	switch {
	case errors.Is(err, flag.ErrHelp):
		return allHeld
	case err != nil:
	case v.list:
		v.printList(chosen)
		return allHeld
	case v.sweep:
		status, err = v.sweepUp(ctx)
	case v.endpoint == "":
		status, err = v.playAll(ctx, chosen, v.itself)
	default:
		status, err = v.askOthers(ctx, chosen)
	}
	if err != nil {
		fmt.Fprintf(v.err, "fakeecr: %v\n", err)
		return notDone
	}
	return status
}

func (v *verification) parse(args []string) error {
	flags := flag.NewFlagSet("fakeecr verify", flag.ContinueOnError)
	flags.SetOutput(v.err)
	flags.Usage = func() {
		fmt.Fprint(v.err, verifyUsage)
		flags.PrintDefaults()
	}
	flags.StringVar(&v.endpoint, "endpoint", "", "the `URL` of the API to ask, or aws for Amazon ECR by your credentials; without it the fake itself")
	flags.StringVar(&v.v2, "v2", "", "the `URL` of the registry endpoint, without /v2/ (default that of the API, or ECR's own)")
	flags.StringVar(&v.account, "account", "", "the account, 12 `digits`; -endpoint aws needs it, and asks only the registry of this account")
	flags.StringVar(&v.region, "region", "", "the `region` (default AWS_REGION, AWS_DEFAULT_REGION or us-east-1)")
	flags.StringVar(&v.second, "second-region", "", "another `region`, for what needs two; of the fake itself eu-west-1")
	flags.BoolVar(&v.settings, "settings", false, "also play what puts settings of the whole registry, such as its policy, and puts them back as they were; they are others for some seconds")
	flags.StringVar(&v.statuses, "status", "", "only statements of a `status`: recorded, documented, model or chosen; several with commas")
	flags.StringVar(&v.pattern, "run", "", "only statements whose section/claim matches a `regexp`")
	flags.StringVar(&v.record, "record", "", "write the statements to a `directory`, with the answers that came")
	flags.BoolVar(&v.list, "list", false, "print what would be asked, and ask nothing")
	flags.BoolVar(&v.sweep, "sweep", false, "take away what an earlier run left that was killed, and put its settings back; play nothing")
	flags.BoolVar(&v.verbose, "v", false, "print each call and its answer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected arguments: %s", strings.Join(flags.Args(), " "))
	}
	return v.check()
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
)

// check is what can be known before anything is asked.
func (v *verification) check() error {
	if v.region == "" && v.endpoint != "" {
		v.region = v.environment("AWS_REGION")
		if v.region == "" {
			v.region = v.environment("AWS_DEFAULT_REGION")
		}
	}
	if v.region == "" {
		v.region = "us-east-1"
	}
	if v.second == "" && v.endpoint == "" {
		v.second = "eu-west-1"
		if v.region == v.second {
			v.second = "us-east-1"
		}
	}
	switch {
	case v.account != "" && !accountPattern.MatchString(v.account):
		return fmt.Errorf("an account is 12 digits, not %q", v.account)
	case !regionPattern.MatchString(v.region):
		return fmt.Errorf("%q is no region, as eu-west-1 is", v.region)
	case v.second != "" && !regionPattern.MatchString(v.second):
		return fmt.Errorf("%q is no region, as eu-west-1 is", v.second)
	case v.second == v.region:
		return errors.New("the second region is another one")
	case v.endpoint == "" && v.v2 != "":
		return errors.New("-v2 needs -endpoint")
	case v.endpoint == "" && (v.sweep || v.record != ""):
		return errors.New("-sweep and -record need -endpoint: of the fake itself nothing stays, and nothing is learnt")
	case v.endpoint == toAWS && v.account == "":
		return errors.New("-endpoint aws needs -account: only the registry of this account is asked")
	}
	for _, status := range v.wanted() {
		if !slices.Contains(transcript.Statuses, status) {
			return fmt.Errorf("-status is recorded, documented, model or chosen, not %q", status)
		}
	}
	return nil
}

// wanted is the statuses that are asked for, nil for all.
func (v *verification) wanted() (all []transcript.Status) {
	if v.statuses == "" {
		return nil
	}
	for _, status := range strings.Split(v.statuses, ",") {
		all = append(all, transcript.Status(status))
	}
	return all
}

// choose is the transcripts to play.
func (v *verification) choose() (chosen []*transcript.Transcript, err error) {
	pattern, err := regexp.Compile(v.pattern)
	if err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	wanted := v.wanted()
	for _, file := range v.files {
		for _, t := range file.Transcripts {
			fits := wanted == nil || slices.Contains(wanted, t.Status) || t.IsChosen() && slices.Contains(wanted, transcript.Chosen)
			if fits && pattern.MatchString(t.Name()) {
				chosen = append(chosen, t)
			}
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("no statement is asked for")
	}
	return chosen, nil
}

// askOthers plays against a registry that is not this program's.
func (v *verification) askOthers(ctx context.Context, chosen []*transcript.Transcript) (int, error) {
	p, err := v.others(ctx)
	if err != nil {
		return notDone, err
	}
	kept, err := v.keeper(p.Account)
	if err != nil {
		return notDone, err
	}
	if settled, err := kept.read(); err != nil || settled != nil {
		return notDone, either(err, fmt.Errorf("an earlier run was killed while settings were others (%s): fakeecr verify -endpoint %s -sweep puts them back", kept, v.endpoint))
	}
	p.Keep = kept.keep
	v.announce(p, chosen)
	status, err := v.playAll(ctx, chosen, func() (*transcript.Player, error) { return p, nil })
	if err := v.sweepAfter(context.WithoutCancel(ctx), p); err != nil {
		return notDone, err
	}
	return status, err
}

// sweepAfter takes away what came after it was looked for, such as a replica.
func (v *verification) sweepAfter(ctx context.Context, p *transcript.Player) error {
	for _, region := range v.regions() {
		_, left, err := p.Sweep(ctx, region, p.Base())
		for _, what := range left {
			err = errors.Join(err, errors.New("left behind: "+what))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// regions is those that are written to.
func (v *verification) regions() []string {
	if v.second == "" {
		return []string{v.region}
	}
	return []string{v.region, v.second}
}

func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// playAll plays transcripts, each by a player.
func (v *verification) playAll(ctx context.Context, chosen []*transcript.Transcript, player func() (*transcript.Player, error)) (int, error) {
	var results []*transcript.Result
	for i, t := range chosen {
		if ctx.Err() != nil {
			break
		}
		p, err := player()
		if err != nil {
			return notDone, err
		}
		p.Told = v.told
		v.progress(i, len(chosen), t.Name())
		result := p.Play(ctx, t)
		if ctx.Err() != nil && result.Outcome == transcript.Broken {
			result.Outcome, result.Why = transcript.Skipped, "it was interrupted"
		}
		results = append(results, result)
		v.clear()
		v.printResult(result)
	}
	v.printTable(results)
	if err := v.write(ctx, results); err != nil {
		return notDone, err
	}
	return v.status(ctx, chosen, results), nil
}

// status is the exit status.
func (v *verification) status(ctx context.Context, chosen []*transcript.Transcript, results []*transcript.Result) int {
	status := allHeld
	for _, r := range results {
		switch {
		case len(r.Left) > 0:
			fmt.Fprintf(v.err, "fakeecr: something was left behind: fakeecr verify -endpoint %s -sweep takes it away\n", v.endpoint)
			return notDone
		case r.Outcome == transcript.Differs, r.Outcome == transcript.Broken, r.Outcome == transcript.NotThere:
			status = somethingDiffers
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintf(v.err, "fakeecr: interrupted after %d of %d statements; nothing was left behind\n", len(results), len(chosen))
		return notDone
	}
	return status
}

// write writes the files as they were answered, if that is wanted.
func (v *verification) write(ctx context.Context, results []*transcript.Result) error {
	if v.record == "" {
		return nil
	}
	place := v.endpoint
	if place == toAWS {
		place = "ECR"
	}
	r := transcript.NewRecorder(v.files, place+" in "+v.region, time.Now().UTC().Format(time.DateOnly))
	if v.asks && ctx.Err() == nil {
		r.Ask = v.ask
	}
	if err := os.MkdirAll(v.record, 0o777); err != nil {
		return err
	}
	for _, file := range v.files {
		if err := os.WriteFile(filepath.Join(v.record, file.Name), []byte(r.File(file, results)), 0o666); err != nil {
			return err
		}
	}
	fmt.Fprintf(v.out, "\nwritten to %s", v.record)
	if n := len(r.Withheld); n > 0 {
		fmt.Fprintf(v.out, "; %d texts that nobody allowed are <any> there", n)
	}
	fmt.Fprintln(v.out)
	return nil
}

// randomWord is a word of lower-case letters and digits that no other run has.
func randomWord() string {
	return strings.ToLower(rand.Text()[:5])
}
