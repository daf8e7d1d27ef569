package hyperlane_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents returns the text of README.md and of every page below docs, by name.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, root := range []string{"README.md", "docs"} {
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(name) != ".md" {
				return err
			}
			data, err := os.ReadFile(name)
			all[filepath.ToSlash(name)] = strings.ReplaceAll(string(data), "\r\n", "\n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// blocks returns the blocks of Go in a document.
func blocks(document string) []string {
	var all []string
	for _, found := range goBlock.FindAllStringSubmatch(document, -1) {
		all = append(all, found[1])
	}
	return all
}

func TestTheExampleOfTheReadmeIsTheOneThatIsTested(t *testing.T) {
	want, err := os.ReadFile("examples/readme/main.go")
	if err != nil {
		t.Fatal(err)
	}
	all := blocks(documents(t)["README.md"])
	if len(all) == 0 || all[0] != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Error("the first block of Go in README.md differs from examples/readme/main.go: copy the file into it")
	}
}

// TestBlocksOfGoInDocumentsAreCompiled holds that what a reader may copy stands, line for line, in a file that is compiled and tested.
func TestBlocksOfGoInDocumentsAreCompiled(t *testing.T) {
	const short = 3 // lines that may stand alone
	var code strings.Builder
	sources, err := filepath.Glob("examples/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString("\n" + strings.ReplaceAll(string(data), "\r\n", "\n"))
	}
	for name, text := range documents(t) {
		for _, block := range blocks(text) {
			if strings.Count(block, "\n") > short && !strings.Contains(code.String(), "\n"+block) {
				first, _, _ := strings.Cut(block, "\n")
				t.Errorf("%s: the block that begins with %q stands in no file of examples", name, first)
			}
		}
	}
}

var (
	linkTarget = regexp.MustCompile(`\]\(([^)]+)\)`)
	fileName   = regexp.MustCompile("`([a-z0-9_/]+\\.(?:go|md|txt))`")
)

// TestWhatDocumentsPointToIsThere follows the links between documents, and looks for the files that they name.
func TestWhatDocumentsPointToIsThere(t *testing.T) {
	here := make(map[string]bool) // base names of all files
	for _, dir := range []string{".", "internal/*", "docs/*", "examples/*", "bench/*", "hyperlanetest", "interop", "websocket", "sse", "broadcast", "testdata/*"} {
		names, err := filepath.Glob(dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			here[filepath.Base(name)] = true
		}
	}
	for name, text := range documents(t) {
		text = goBlock.ReplaceAllString(text, "")
		for _, found := range linkTarget.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(found[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s: %v", name, found[1], err)
			}
		}
		for _, found := range fileName.FindAllStringSubmatch(text, -1) {
			if !here[path.Base(found[1])] {
				t.Errorf("%s names the file %s, which is not there", name, found[1])
			}
		}
	}
}
