package fakeecr

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/fakeecr/ecr/fakeecr/internal/report"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
)

// artifactDir is where a test leaves files that outlive it, "" for nowhere: with the
// flag -artifacts, which Go has from 1.26 on. Without it the directory of a test is
// one that is removed with it.
func artifactDir(t TB) string {
	test, has := t.(interface{ ArtifactDir() string })
	given := flag.Lookup("test.artifacts")
	if !has || given == nil || given.Value.String() != "true" {
		return ""
	}
	return test.ArtifactDir()
}

// leaveReport writes what there is to see of the world into a file of the test's
// artifacts, and its name into the log.
func (i *instance) leaveReport(played []*stage.PlayedScenario) {
	i.t.Helper()
	directory := artifactDir(i.t)
	if directory == "" {
		return
	}
	name, err := writeNew(directory, i.report(played))
	if err != nil {
		i.t.Logf("fakeecr: no report: %v", err)
		return
	}
	i.t.Logf("fakeecr: what was called and what is there: %s", name)
}

func (i *instance) report(played []*stage.PlayedScenario) report.Report {
	r := report.Report{Name: "A failed test", Seed: i.setup.seed, Now: i.stage.World.Now(), Trace: i.stage.Trace()}
	if test, named := i.t.(interface{ Name() string }); named {
		r.Name = test.Name()
	}
	i.reasonsMu.Lock()
	r.Reasons = slices.Clone(i.reasons)
	i.reasonsMu.Unlock()
	for _, p := range played {
		r.Played = append(r.Played, report.NewPlayedScenario("", &Playing{&playedScenario{i, p}}))
	}
	for _, registry := range i.first.Inspect() {
		r.World = append(r.World, registry)
	}
	return r
}

// writeNew writes a report into a file that is not there yet: a test may have
// several worlds.
func writeNew(directory string, r report.Report) (name string, err error) {
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		name = filepath.Join(directory, "fakeecr.html")
		if n > 1 {
			name = filepath.Join(directory, fmt.Sprintf("fakeecr-%d.html", n))
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = file.Write(text.Bytes())
		return name, errors.Join(err, file.Close())
	}
}
