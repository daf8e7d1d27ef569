package hyperlane_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	// `TestOne`, `TestTwo` (`the/file_test.go`)
	testsInFile = regexp.MustCompile("((?:`(?:Test|Fuzz)\\w+`(?:, )?)+) \\(`([\\w/]+_test\\.go)`\\)")
	testName    = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
)

// TestEveryHazardHasATestThatExists holds docs/hazards.md to the tests: each row names one at least, and each that is named is there.
func TestEveryHazardHasATestThatExists(t *testing.T) {
	const columns = 4
	rows := 0
	for line := range strings.Lines(documents(t)["docs/hazards.md"]) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| hazard |") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != columns {
			t.Errorf("a row with %d cells, want %d: %.80s", len(cells), columns, line)
			continue
		}
		hazard, tests := strings.TrimSpace(cells[0]), cells[columns-1]
		found := 0
		for _, group := range testsInFile.FindAllStringSubmatch(tests, -1) {
			source, err := os.ReadFile(group[2])
			if err != nil {
				t.Errorf("%s: %v", hazard, err)
			}
			for _, name := range testName.FindAllStringSubmatch(group[1], -1) {
				found++
				if !strings.Contains(string(source), "\nfunc "+name[1]+"(") {
					t.Errorf("%s: %s has no %s", hazard, group[2], name[1])
				}
			}
		}
		if named := len(testName.FindAllString(tests, -1)); found == 0 || found != named {
			t.Errorf("%s: %d tests are named, %d of them with their file, want one at least and a file for each", hazard, named, found)
		}
	}
	if rows < 30 {
		t.Errorf("got %d rows: the table is not where it is looked for", rows)
	}
}
