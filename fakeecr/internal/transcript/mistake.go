package transcript

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Mistake is what is wrong with the text of a transcript, and where.
type Mistake struct {
	File string
	// Line counts from 1.
	Line int
	// Word is where reading ended, "" at the end of a line.
	Word string
	// Reason is what is wrong with it.
	Reason string
}

// Error implements [error].
func (m *Mistake) Error() string {
	at := "at the end of the line"
	if m.Word != "" {
		at = fmt.Sprintf("at %q", m.Word)
	}
	return fmt.Sprintf("%s:%d: %s: %s", m.File, m.Line, at, m.Reason)
}

// line is a line of a file with those that go on with it.
type line struct {
	file   string
	number int
	// last is the number of the last line that goes on with it.
	last int
	// mark is what it begins with: "#", ">", "<" or "<?".
	mark string
	text string
}

// mistake is one at an offset of the line's text.
func (l *line) mistake(offset int, format string, args ...any) *Mistake {
	offset = min(offset, len(l.text))
	before, rest := l.text[:offset], l.text[offset:]
	return &Mistake{
		File: l.file, Line: l.number + strings.Count(before, "\n"),
		Word: word(rest), Reason: fmt.Sprintf(format, args...),
	}
}

// longestWord is how much of a word a mistake repeats, in bytes.
const longestWord = 60

// word is the first word of a text.
func word(text string) string {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return ""
	}
	found := fields[0]
	if len(found) > longestWord {
		found = found[:longestWord]
		for !utf8.ValidString(found) && found != "" {
			found = found[:len(found)-1]
		}
	}
	return found
}
