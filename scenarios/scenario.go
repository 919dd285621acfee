package scenarios

import "fmt"

// Scenario is rules that are played together, each on its own count. A call
// passes them in order; one that fails it ends it, and the rules behind that one
// neither see nor count it. Scenarios are joined by append.
type Scenario []*Rule

// Check answers what is wrong with the rules, or with a state in which one of them
// holds ([While]) and that none leads to ([Rule.Then]).
func (s Scenario) Check() error {
	for i, r := range s {
		if r == nil {
			return fmt.Errorf("rule %d of the scenario is nil", i+1)
		}
		if err := r.Check(); err != nil {
			return err
		}
	}
	if rule, lacks := s.unreached(); rule != nil {
		return fmt.Errorf("rule %q: %w", rule, lacks.unreachable())
	}
	return nil
}
