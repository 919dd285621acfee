// Command generate writes the JSON Schema of scenarios.
package main

import (
	"log"
	"os"

	"github.com/fakeecr/ecr/scenarios"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: generate FILE")
	}
	if err := os.WriteFile(os.Args[1], scenarios.Schema(), 0o644); err != nil {
		log.Fatal(err)
	}
}
