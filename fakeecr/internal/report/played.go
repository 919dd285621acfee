package report

import (
	"encoding/json"

	"github.com/fakeecr/ecr/scenarios"
)

// PlayedScenario is a scenario in play.
type PlayedScenario struct {
	// ID names it, "" where nobody can stop it.
	ID string
	// State is what its rules have moved it to, and Held the calls that it keeps.
	State string
	Held  int
	Rules []Rule
	// JSON is the scenario, "" where it has none.
	JSON string
}

// Rule is a rule in play.
type Rule struct {
	Text           string
	Matched, Fired int
	Optional       bool
	// Silent tells that the rule will fire no more and should have.
	Silent bool
}

// InPlay is what a view asks of a scenario in play.
type InPlay interface {
	Rules() []*scenarios.Rule
	Matched(*scenarios.Rule) int
	Fired(*scenarios.Rule) int
	State() string
	Held() int
}

// NewPlayedScenario is a scenario in play as it stands.
func NewPlayedScenario(id string, p InPlay) PlayedScenario {
	shown := PlayedScenario{ID: id, State: p.State(), Held: p.Held()}
	for _, rule := range p.Rules() {
		shown.Rules = append(shown.Rules, Rule{Text: rule.String(), Matched: p.Matched(rule), Fired: p.Fired(rule), Optional: rule.Parts().IsOptional()})
	}
	if text, err := json.Marshal(scenarios.Scenario(p.Rules())); err == nil {
		shown.JSON = Pretty(string(text))
	}
	return shown
}
