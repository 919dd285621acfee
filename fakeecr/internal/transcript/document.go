package transcript

import (
	"fmt"
	"regexp"
	"strings"
)

// block is a part of a Markdown document that follows from the transcripts.
var block = regexp.MustCompile(`(?s)(<!-- (figures|statements ([a-z]+)) -->\n).*?(<!-- end -->)`)

// Fill is a Markdown document with its blocks filled in: the figures where it says
// <!-- figures -->, the statements of a file where it says <!-- statements NAME -->, each
// up to <!-- end -->. Placed is the files that have a block. The error names a block
// without a file.
func Fill(document string, files []*File) (filled string, placed []string, err error) {
	known := map[string]*File{}
	for _, file := range files {
		known[strings.TrimSuffix(file.Name, Ending)] = file
	}
	filled = block.ReplaceAllStringFunc(document, func(found string) string {
		parts := block.FindStringSubmatch(found)
		content := figures(files)
		if section := parts[3]; section != "" {
			file := known[section]
			if file == nil {
				err = fmt.Errorf("no file of transcripts is called %s", section)
				return found
			}
			placed = append(placed, section)
			content = statementsOf(file)
		}
		return parts[1] + content + parts[4]
	})
	return filled, placed, err
}

// figures is how many statements there are of each status.
func figures(files []*File) string {
	says := map[Status]string{
		Recorded:   "somebody saw ECR answer so",
		Documented: "AWS says so",
		Model:      "the service model has it",
		Chosen:     "nothing is known, and ECR may differ",
	}
	count := map[Status]int{}
	all, parts, askable := 0, 0, 0
	for _, file := range files {
		for _, t := range file.Transcripts {
			all++
			count[t.Status]++
			if t.IsChosen() && t.Status != Chosen {
				parts++
			}
			if n := t.Needs(); t.IsChosen() && !n.Clock && !n.Settings && n.Region == "" {
				askable++
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %d statements | | |\n| --- | ---: | --- |\n", all)
	for _, status := range Statuses {
		fmt.Fprintf(&b, "| %s | %d | %s |\n", status, count[status], says[status])
	}
	fmt.Fprintf(&b, "\nOf those that are not chosen, %d have an answer in them that is. Any account can settle %d of the choices in minutes, without touching a setting of its registry.\n", parts, askable)
	return b.String()
}

// statementsOf is the statements of a file, a row each.
func statementsOf(file *File) string {
	var b strings.Builder
	b.WriteString("| ECR | known | source |\n| --- | --- | --- |\n")
	for _, t := range file.Transcripts {
		known := string(t.Status)
		if t.IsChosen() && t.Status != Chosen {
			known += ", in part chosen"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(t.Claim), known, cell(t.Source))
	}
	return b.String()
}

var markup = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", `\<`, "*", `\*`, "_", `\_`, "[", `\[`)

// cell is a text in a table. What is in backquotes is code.
func cell(s string) string {
	parts := strings.Split(s, "`")
	for i, part := range parts {
		if i%2 == 0 || i == len(parts)-1 {
			parts[i] = markup.Replace(part)
		} else {
			parts[i] = strings.ReplaceAll(part, "|", `\|`)
		}
	}
	return strings.Join(parts, "`")
}
