package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
)

// exploring is what the flags of explore say.
type exploring struct {
	command  []string
	setup    string
	only     string
	faults   []exploration.Fault
	calls    int
	parallel int
	timeout  time.Duration
	report   string
	accepted map[string]string
	options  []fakeecr.Option

	stdout, stderr io.Writer
}

// explore runs a command as it is, and then once for each fault at each of its calls. It
// answers the status that the program ends with: 1 with findings, 2 if nothing could be
// explored.
func explore(ctx context.Context, args []string, stdout, stderr io.Writer) (status int) {
	x := &exploring{stdout: stdout, stderr: stderr, faults: exploration.Faults(), accepted: map[string]string{}}
	err := x.parse(args)
	if err == nil {
		var findings int
		if findings, err = x.run(ctx); err == nil && findings > 0 {
			return 1
		}
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	default:
		fmt.Fprintf(stderr, "fakeecr explore: %v\n", err)
		return 2
	}
}

const exploreUsage = `Usage: fakeecr explore [flags] -- COMMAND [ARGUMENT...]

Runs the command as it is, and then once for each fault at each of its calls, each time
against a world of its own whose endpoint, region and keys are in its environment. Exit
status 0 says success, and standard output is its answer. It is wrong with the command
if it says success and leaves another world or another answer than on the good day; if
it says failure and, run again without the fault, does not lead where the good day
leads; or if it does not end. The exit status is 1 if there are findings.

`

func (x *exploring) parse(args []string) error {
	flags := flag.NewFlagSet("fakeecr explore", flag.ContinueOnError)
	flags.SetOutput(x.stderr)
	flags.Usage = func() {
		fmt.Fprint(x.stderr, exploreUsage)
		flags.PrintDefaults()
	}
	flags.StringVar(&x.setup, "setup", "", "a `command` of the shell that seeds the world once")
	flags.StringVar(&x.only, "only", "", "run one variation alone, by its `name`, such as PutImage#1@team/app/reply_lost")
	flags.IntVar(&x.calls, "calls", exploration.DefaultMost, "how many of calls that are equal are tried, the first ones and the last")
	flags.IntVar(&x.parallel, "p", 4*runtime.NumCPU(), "how many run side by side: most of the time is back-off")
	flags.DurationVar(&x.timeout, "timeout", 5*time.Minute, "how long a run may take")
	flags.StringVar(&x.report, "report", "", "a `file` to write the table to as a page")
	var names []string
	for _, fault := range x.faults {
		names = append(names, fault.Name)
	}
	flags.Func("faults", "the `names` of the faults to try, with commas between them (default "+strings.Join(names, ",")+")", x.choose)
	flags.Func("accept", "a finding that may stay, as `name=why`; may be repeated", func(s string) error {
		name, why, _ := strings.Cut(s, "=")
		if why == "" {
			return errors.New("a finding is its name, an equals sign and why it may stay")
		}
		x.accepted[name] = why
		return nil
	})
	flags.Func("account", "the account, 12 `digits` (default 123456789012)", func(s string) error {
		x.options = append(x.options, fakeecr.WithAccount(s))
		return nil
	})
	flags.Func("region", "the `region` (default us-east-1)", func(s string) error {
		x.options = append(x.options, fakeecr.WithRegion(s))
		return nil
	})
	flags.BoolFunc("proxy", "lead the command here by a proxy and not by endpoints, for one that knows ECR by its own names; every other host is refused, and named", func(s string) error {
		on, err := strconv.ParseBool(s)
		if on {
			x.options = append(x.options, fakeecr.WithProxy())
		}
		return err
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	x.command = flags.Args()
	switch {
	case len(x.command) == 0:
		return errors.New("it needs a command: fakeecr explore [flags] -- COMMAND")
	case x.calls < 1 || x.parallel < 1 || x.timeout <= 0:
		return errors.New("-calls, -p and -timeout are above 0")
	}
	return nil
}

// choose chooses faults by their names.
func (x *exploring) choose(names string) error {
	x.faults = nil
	for name := range strings.SplitSeq(names, ",") {
		at := slices.IndexFunc(exploration.Faults(), func(f exploration.Fault) bool { return f.Name == name })
		if at < 0 {
			return fmt.Errorf("there is no fault %q", name)
		}
		x.faults = append(x.faults, exploration.Faults()[at])
	}
	return nil
}

// run explores, and answers how many findings there are.
func (x *exploring) run(ctx context.Context) (findings int, err error) {
	fixture, err := x.fixture(ctx)
	if err != nil {
		return 0, err
	}
	runner := &process{command: x.command, timeout: x.timeout, ctx: ctx}
	e, err := exploration.Begin(exploration.Config{
		Fixture: fixture, Subject: runner.run, Faults: x.faults, Most: x.calls, Same: exploration.SameJSON, Accepted: x.accepted,
	})
	if err != nil {
		return 0, fmt.Errorf("%w\nThe calls:\n%s", err, e.Good.Trace)
	}
	variations := e.Variations
	if x.only != "" {
		variations = slices.DeleteFunc(slices.Clone(variations), func(v exploration.Variation) bool { return v.Name != x.only })
		if len(variations) == 0 {
			return 0, fmt.Errorf("there is no variation %q", x.only)
		}
	}
	for _, cell := range x.all(ctx, e, variations) {
		e.Report.Add(cell)
	}
	if ctx.Err() != nil {
		e.Report.Stopped = "it was interrupted"
	}
	return x.tell(e)
}

// fixture is the world that runs begin with, seeded.
func (x *exploring) fixture(ctx context.Context) (fixture *fakeecr.Registry, err error) {
	if err := attempt(func() error { fixture = fakeecr.New(nil, x.options...); return nil }); err != nil {
		return nil, err
	}
	if x.setup == "" {
		return fixture, nil
	}
	runner := &process{command: shell(x.setup), timeout: x.timeout, ctx: ctx}
	seeded := runner.run(fixture, nil, 0)
	switch {
	case seeded.Ending != exploration.Returned:
		return nil, fmt.Errorf("-setup: %s", seeded.Detail)
	case seeded.Err != nil:
		return nil, fmt.Errorf("-setup: %w", seeded.Err)
	}
	return seeded.World, nil
}

// all runs variations side by side, and answers the cells in their order.
func (x *exploring) all(ctx context.Context, e *exploration.Exploration, variations []exploration.Variation) []exploration.Cell {
	cells := make([]*exploration.Cell, len(variations))
	progress := newProgress(x.stderr, len(variations))
	defer progress.end()
	next := make(chan int)
	var running sync.WaitGroup
	for range min(x.parallel, len(variations)) {
		running.Go(func() {
			for at := range next {
				if cell := e.Run(variations[at]); ctx.Err() == nil {
					cells[at] = &cell
				}
				progress.done()
			}
		})
	}
	for at := range variations {
		if ctx.Err() == nil {
			next <- at
		}
	}
	close(next)
	running.Wait()
	var ran []exploration.Cell
	for _, cell := range cells {
		if cell != nil {
			ran = append(ran, *cell)
		}
	}
	return ran
}

// tell prints the findings and the table, and leaves the page.
func (x *exploring) tell(e *exploration.Exploration) (findings int, err error) {
	for _, cell := range e.Report.Cells {
		if why, accepted := e.Accepted[cell.Name]; accepted && !cell.Verdict.IsFinding() {
			findings++
			fmt.Fprintf(x.stdout, "%s is accepted (%s) and nothing was found: %s\n\n", cell.Name, why, cell.Verdict)
		}
	}
	for _, finding := range e.Report.Findings() {
		findings++
		fmt.Fprintf(x.stdout, "%sTo repeat it: fakeecr explore -only '%s' …\n\n", finding, finding.Name)
	}
	fmt.Fprint(x.stdout, &e.Report)
	if x.report == "" {
		return findings, nil
	}
	file, err := os.Create(x.report)
	if err != nil {
		return findings, err
	}
	return findings, errors.Join(e.Report.Write(file, strings.Join(x.command, " ")), file.Close())
}

// shell is a command that the machine's shell reads.
func shell(command string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/c", command}
	}
	return []string{"sh", "-c", command}
}
