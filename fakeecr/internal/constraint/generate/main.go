// Command generate writes the table of ECR's constraints as Go source:
//
//	go run ./generate [-condense file] [-table file] model.json ...
//
// A model is a file in botocore's service-2.json format; of operations and shapes with one name in
// several models, the first counts. The model.json beside this program is such a file, condensed to
// what inputs need: -condense writes one. Besides botocore's operations it has the four of
// replication backfills, which botocore lacks and which follow the schemas, enumerations and doc
// comments of the AWS SDK for Go. To refresh it from a newer botocore, run in the parent folder
//
//	go run ./generate -condense generate/model.json service-2.json generate/model.json
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
	if err := run(flag.Args(), *condensed, *table); err != nil {
		log.Fatal(err)
	}
}

func run(models []string, condensed, table string) error {
	model, err := read(models)
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
