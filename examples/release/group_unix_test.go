//go:build unix

package release_test

import (
	"os/exec"
	"syscall"
)

// asGroup makes a command and what it starts a group; the function ends all of it.
func asGroup(command *exec.Cmd) (end func() error) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return func() error {
		if command.Process == nil {
			return nil
		}
		return syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
	}
}
