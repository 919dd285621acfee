package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// places says which operations an effect can be put on, where it cannot be put on
// all.
var places = []struct {
	effect string
	has    func(Effects) bool
	on     []string
}{
	{"FailItem", func(e Effects) bool { return e.Item != nil },
		[]string{"BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage", "BatchGetRepositoryScanningConfiguration"}},
	{"Reserialise", func(e Effects) bool { return e.Reserialise }, []string{"BatchGetImage"}},
	{"Flip", func(e Effects) bool { return e.Flip != nil }, []string{DownloadLayer}},
	{"Keep", func(e Effects) bool { return e.Keep != nil }, []string{DownloadLayer}},
	{"Garble", func(e Effects) bool { return e.Garble != nil }, []string{"UploadLayerPart"}},
	{"Stale", func(e Effects) bool { return e.Stale != nil }, groups()[Reads]},
}

// misplaced is what is wrong with where effects were put.
func (r *Rule) misplaced() (mistakes []error) {
	for _, place := range places {
		if !place.has(r.effects) {
			continue
		}
		for _, operation := range r.Operations() {
			if !slices.Contains(place.on, operation) {
				mistakes = append(mistakes, fmt.Errorf("%s cannot be put on %s: only on %s", place.effect, operation, strings.Join(place.on, ", ")))
				break
			}
		}
	}
	return mistakes
}
