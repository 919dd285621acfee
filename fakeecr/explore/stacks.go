package explore

import (
	"bytes"
	"cmp"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// bubbleOf is what the traces of goroutines of this goroutine's bubble have in their
// first line.
func bubbleOf() *string {
	var header [128]byte
	line, _, _ := bytes.Cut(header[:runtime.Stack(header[:], false)], []byte("\n"))
	if at := bytes.Index(line, []byte("synctest bubble")); at >= 0 {
		mark := strings.TrimRight(string(line[at:]), ":]") + "]"
		return &mark
	}
	return nil
}

// where is where goroutines are: in a line, and as their traces.
type where struct{ line, text string }

// mostStacks is how many bytes of traces are read.
const mostStacks = 16 << 20

func allStacks() string {
	for size := 1 << 18; ; size *= 4 {
		text := make([]byte, size)
		if n := runtime.Stack(text, true); n < size || size >= mostStacks {
			return string(text[:n])
		}
	}
}

// inside are the traces of the goroutines of a bubble but for those that run it.
func inside(bubble *string) (stacks []string) {
	if bubble == nil {
		return nil
	}
	for _, stack := range strings.Split(allStacks(), "\n\n") {
		header, frames, _ := strings.Cut(stack, "\n")
		if strings.Contains(header, *bubble) && !strings.Contains(frames, "explore.(*bubble).test.func") && !strings.Contains(frames, "testingSynctestTest(") &&
			!strings.Contains(frames, "internal/synctest.Run(") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// others tells whether a bubble has goroutines besides those that run it.
func others(bubble *string) bool { return len(inside(bubble)) > 0 }

var (
	atMutex = regexp.MustCompile(`\[sync\.(RW)?Mutex\.R?Lock`)
	atTime  = regexp.MustCompile(`\[(sleep|select|chan receive) \(durable\)`)
)

// frozenAt is where goroutines of a bubble are whose time cannot pass: one waits for a
// mutex, which for synctest somebody outside might unlock, and the others for each
// other or for a time. It is "" while anything goes on, and where no time would help.
func frozenAt(bubble *string) string {
	mutex, time := false, false
	stacks := inside(bubble)
	for _, stack := range stacks {
		header, _, _ := strings.Cut(stack, "\n")
		mutex, time = mutex || atMutex.MatchString(header), time || atTime.MatchString(header)
		if !atMutex.MatchString(header) && !strings.Contains(header, "(durable)") {
			return ""
		}
	}
	if !mutex || !time {
		return ""
	}
	return strings.Join(stacks, "\n\n")
}

// rank is 0 for a goroutine at a mutex, which says most of why others wait.
func rank(stack string) int {
	if header, _, _ := strings.Cut(stack, "\n"); atMutex.MatchString(header) {
		return 0
	}
	return 1
}

// mostShown is how many goroutines a finding shows.
const mostShown = 3

// stacksOf tells where the goroutines of a bubble are.
func stacksOf(bubble *string) where {
	stacks := inside(bubble)
	if len(stacks) == 0 {
		return where{line: "nobody knows where"}
	}
	slices.SortStableFunc(stacks, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return where{line: frameOf(stacks[0]), text: strings.Join(stacks[:min(len(stacks), mostShown)], "\n\n")}
}

var waiting = regexp.MustCompile(`\[([^,\]]*)`)

// library is where frames are that say nothing of the code under test.
var library = regexp.MustCompile(`^(runtime|sync|time|context|internal|testing|reflect|net|github\.com/aws/|github\.com/fakeecr/ecr/fakeecr[./])`)

// frameOf is what a goroutine does, and in which function of the user's.
func frameOf(stack string) string {
	header, frames, _ := strings.Cut(stack, "\n")
	doing := ""
	if found := waiting.FindStringSubmatch(header); found != nil {
		doing = "[" + strings.Replace(found[1], "runnable", "running", 1) + "]"
	}
	lines := strings.Split(frames, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		function, file := lines[i], strings.TrimSpace(lines[i+1])
		if strings.HasPrefix(function, "created by") {
			break
		}
		if library.MatchString(function) && !strings.Contains(file, "_test.go:") {
			continue
		}
		if at := strings.LastIndexByte(function, '('); at > 0 {
			function = function[:at]
		}
		file, _, _ = strings.Cut(file, " ")
		return strings.TrimSpace(doing + " in " + function + " at " + file)
	}
	return doing
}

// panicAt is the trace of a panic from where it happened on.
func panicAt(stack []byte) string {
	text := string(stack)
	if _, after, found := strings.Cut(text, "\npanic("); found {
		if _, frames, found := strings.Cut(after, "\n"); found {
			if _, frames, found = strings.Cut(frames, "\n"); found {
				text = frames
			}
		}
	}
	if before, _, found := strings.Cut(text, "\ngithub.com/fakeecr/ecr/fakeecr/explore.call."); found {
		text = before
	}
	return text
}
