package hyperlane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// configFile reads the settings of one JSON file. It belongs to the call of fileSettings that made it.
type configFile struct {
	name  string
	data  []byte
	json  *json.Decoder
	start int               // of the last token in data
	first map[string]string // each key that was met, with the place where it was first
	found []setting
	wrong mistakes
}

// fileSettings returns what the file data sets, in its order, and what is wrong with it as JSON.
func fileSettings(name string, data []byte) ([]setting, mistakes) {
	f := &configFile{name: name, data: data, first: make(map[string]string)}
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil {
		offset := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			offset = max(int(syntax.Offset)-1, 0)
		}
		return nil, mistakes{{where: f.place(offset), problem: err.Error(), cause: err}}
	}
	f.json = json.NewDecoder(bytes.NewReader(data))
	f.json.UseNumber()
	if f.token() != json.Delim('{') {
		return nil, mistakes{{where: f.place(f.start), problem: "want an object"}}
	}
	f.object("")
	return f.found, f.wrong
}

// place says where offset is, as an editor counts: from 1, columns in characters.
func (f *configFile) place(offset int) string {
	before := f.data[:min(offset, len(f.data))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("%s:%d:%d", f.name, 1+bytes.Count(before, []byte("\n")), 1+len([]rune(string(line))))
}

// token returns the next token. It cannot fail, because the whole text is known to be JSON.
func (f *configFile) token() json.Token {
	f.start = int(f.json.InputOffset())
	f.start += len(f.data[f.start:]) - len(bytes.TrimLeft(f.data[f.start:], " \t\r\n,:"))
	token, err := f.json.Token()
	if err != nil {
		panic(fmt.Sprintf("hyperlane: JSON that was well-formed is not: %v", err))
	}
	return token
}

// object reads the members of an object whose first token has been read. prefix is "" or that of its members' keys.
func (f *configFile) object(prefix string) {
	for f.json.More() {
		member := f.token().(string)
		key, place := prefix+member, f.place(f.start)
		if strings.ContainsFunc(member, notInKey) { // no point either: limits.body is a member of the object limits
			key = prefix + strconv.Quote(member)
		}
		if first, twice := f.first[key]; twice {
			f.wrong = append(f.wrong, mistake{where: place, key: key, problem: "the same key is at " + first})
			f.skip(f.token())
			continue
		}
		f.first[key] = place
		token := f.token()
		if token == json.Delim('{') && key == limitsOption.key {
			f.object(key + ".")
			continue
		}
		s := setting{key: key, where: f.place(f.start)}
		if configOptionByKey(key) == nil {
			s.where = place // it is the key that is wrong
		}
		start := f.start
		s.value = f.value(token)
		s.text = strings.Join(strings.Fields(string(f.data[start:f.json.InputOffset()])), " ") // on one line
		f.found = append(f.found, s)
	}
	f.token() // its end
}

func notInKey(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }

// value returns the value that begins with token, with nil for what no option takes.
func (f *configFile) value(token json.Token) any {
	switch token {
	case json.Delim('['):
		list := []any{}
		for f.json.More() {
			list = append(list, f.value(f.token()))
		}
		f.token()
		return list
	case json.Delim('{'):
		f.skip(token)
		return nil
	}
	return token
}

// skip reads to the end of the value that begins with token.
func (f *configFile) skip(token json.Token) {
	for depth := 0; ; token = f.token() {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return
		}
	}
}
