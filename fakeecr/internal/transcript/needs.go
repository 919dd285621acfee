package transcript

import "net/http"

// Needs is what a transcript needs besides the API of a registry, as its steps say.
type Needs struct {
	// Clock is one that can be moved.
	Clock bool
	// Settings are those of a registry, which it puts.
	Settings bool
	// Registry is the registry endpoint.
	Registry bool
	// Region is another region, as it is written, or "".
	Region string
}

// Needs is what the steps of the transcript need.
func (t *Transcript) Needs() (n Needs) {
	for _, step := range t.Steps {
		n.Clock = n.Clock || step.Wait > 0
		n.Settings = n.Settings || step.putsSetting()
		n.Registry = n.Registry || step.Method != ""
		if step.Region != nil {
			n.Region = step.Region.source()
		}
	}
	return n
}

// putsSetting tells whether a step puts what a registry has but once, meant to be
// refused or not.
func (step *Step) putsSetting() bool {
	op := operations[step.Operation]
	if op.class != below {
		return op.class == settings
	}
	name := step.Input.member(op.names)
	return name != nil && name.kind == text && name.text.source() == everyone
}

// IsChosen tells whether the transcript, or an answer in it, is a choice.
func (t *Transcript) IsChosen() bool {
	if t.Status == Chosen {
		return true
	}
	for _, step := range t.Steps {
		if step.Answer == nil {
			continue
		}
		if main := step.Answer.Main; main != nil && main.line.mark == "<?" {
			return true
		}
		for _, header := range step.Answer.Headers {
			if header.line.mark == "<?" {
				return true
			}
		}
	}
	return false
}

// Effort is what a transcript takes.
type Effort struct {
	Calls, Repositories, Images, Rules int
}

// Effort counts what the transcript calls and makes, about: what it repeats counts
// once.
func (t *Transcript) Effort() (e Effort) {
	const callsOfImage = 7
	e.Calls = 1 // its repository is taken away
	for _, step := range t.Steps {
		switch {
		case step.Push != nil:
			e.Calls += callsOfImage
			e.Images++
		case step.Wait == 0:
			e.Calls++
		}
		switch step.Operation {
		case "CreateRepository":
			e.Repositories++
		case "PutImage":
			e.Images++
		case "CreatePullThroughCacheRule", "CreateRepositoryCreationTemplate":
			e.Rules++
		}
		if step.Method == http.MethodPut && step.Body != nil {
			e.Images++
		}
	}
	return e
}
