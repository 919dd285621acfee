// Command generate writes the table of ECR's constraints as Go source:
//
//	go run ./generate [-condense file] [-table file] model.json
//
// The model is a file in botocore's service-2.json format. The model.json beside this program is
// such a file, condensed to the shapes of inputs, outputs and errors: -condense writes it. To refresh
// it from a newer botocore, run in the parent folder
//
//	go run ./generate -condense generate/model.json service-2.json
//
// and then go generate.
package main

import (
	"flag"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	condensed := flag.String("condense", "", "write the condensed model to this `file`")
	table := flag.String("table", "", "write the table to this `file`")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("generate: one model is wanted")
	}
	if err := run(flag.Arg(0), *condensed, *table); err != nil {
		log.Fatal(err)
	}
}

func run(file, condensed, table string) error {
	model, err := read(file)
	if err != nil {
		return err
	}
	if err := write(condensed, model.json); err != nil {
		return err
	}
	return write(table, model.table)
}

func write(file string, content func() ([]byte, error)) error {
	if file == "" {
		return nil
	}
	data, err := content()
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o666)
}
