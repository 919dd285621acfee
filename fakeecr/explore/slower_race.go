//go:build race

package explore

// slower is how much longer real time is under the race detector.
const slower = 5
