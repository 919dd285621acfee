package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/fakeecr/ecr/fakeecr"
)

// plainValue is a value that means itself to a shell, unquoted, as to docker, which
// takes quotes for a part of it.
var plainValue = regexp.MustCompile(`^[\w@%+=:,./*\[\]-]*$`)

// writeEnv writes the environment of a server's clients, a KEY=VALUE a line.
func writeEnv(file, url string, registry *fakeecr.Registry) error {
	if file == "" {
		return nil
	}
	bundle, err := filepath.Abs(file + ".pem")
	if err != nil {
		return err
	}
	pairs, err := registry.EnvAt(url, bundle)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		if name, value, _ := strings.Cut(pair, "="); !plainValue.MatchString(value) {
			return fmt.Errorf("%s would be %q, which a shell does not read as it stands: -env has no quotes, as docker takes them for a part of the value", name, value)
		}
	}
	return os.WriteFile(file, []byte(strings.Join(pairs, "\n")+"\n"), 0o644)
}
