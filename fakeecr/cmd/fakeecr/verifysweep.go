package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
)

// sweepUp takes away what was left.
func (v *verification) sweepUp(ctx context.Context) (int, error) {
	p, err := v.others(ctx)
	if err != nil {
		return notDone, err
	}
	kept, err := v.keeper(p.Account)
	if err != nil {
		return notDone, err
	}
	p.Told = v.told
	settled, err := kept.read()
	if err != nil {
		return notDone, err
	}
	var left []string
	if settled != nil {
		p.Keep = kept.keep
		left = p.Restore(ctx, settled)
		fmt.Fprintln(v.out, "settings were put back as they were")
	}
	for _, region := range v.regions() {
		gone, stayed, err := p.Sweep(ctx, region, transcript.Top)
		for _, name := range gone {
			fmt.Fprintf(v.out, "taken away in %s: %s\n", region, name)
		}
		if err != nil {
			return notDone, err
		}
		left = append(left, stayed...)
	}
	for _, what := range left {
		fmt.Fprintf(v.err, "fakeecr: left behind: %s\n", what)
	}
	if len(left) > 0 {
		return notDone, nil
	}
	return allHeld, nil
}

// keeper is a file with settings as they were before they were touched.
type keeper struct{ name string }

// String is where it is.
func (k keeper) String() string { return k.name }

var unusual = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func (v *verification) keeper(account string) (keeper, error) {
	directory, err := os.UserCacheDir()
	if err != nil {
		return keeper{}, err
	}
	name := "verify-" + unusual.ReplaceAllString(v.endpoint, "-") + "-" + account + ".json"
	return keeper{filepath.Join(directory, "fakeecr", name)}, nil
}

func (k keeper) read() (*transcript.Settled, error) {
	text, err := os.ReadFile(k.name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	settled := &transcript.Settled{}
	if err := json.Unmarshal(text, settled); err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	return settled, nil
}

// keep writes the settings, whole or not at all; nil takes the file away.
func (k keeper) keep(settled *transcript.Settled) error {
	if settled == nil {
		return os.Remove(k.name)
	}
	text, err := json.MarshalIndent(settled, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(k.name), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(k.name+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(k.name+".new", k.name)
}
