//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// inGroup makes a command the first of a process group of its own.
func inGroup(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup ends a command and what it has started.
func endGroup(command *exec.Cmd) error {
	if command.Process == nil {
		return nil
	}
	return syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
}
