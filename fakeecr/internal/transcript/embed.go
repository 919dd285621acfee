package transcript

import (
	"embed"
	"io/fs"
)

//go:generate go test -run ^TestDocumentsHaveTheStatements$ . -args -write

// Ending is that of the names of files.
const Ending = ".txt"

//go:embed *.txt
var files embed.FS

// All is the transcripts that come with this package, by the names of their files. The
// error is a *[Mistake].
func All() ([]*File, error) { return Read(files) }

// Read parses the transcripts of a directory.
func Read(directory fs.FS) ([]*File, error) {
	names, err := fs.Glob(directory, "*"+Ending)
	if err != nil {
		return nil, err
	}
	var all []*File
	for _, name := range names {
		text, err := fs.ReadFile(directory, name)
		if err != nil {
			return nil, err
		}
		file, err := Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, file)
	}
	return all, nil
}
