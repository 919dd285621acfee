//go:build !unix

package release_test

import "os/exec"

// asGroup ends a command alone where there are no groups of processes.
func asGroup(command *exec.Cmd) (end func() error) {
	return func() error {
		if command.Process == nil {
			return nil
		}
		return command.Process.Kill()
	}
}
