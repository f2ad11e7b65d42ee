// What Porcupine says of histories: each line of the input is one, each line of the output "Ok" or "Illegal".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	Action string  `json:"action"`
	Value  string  `json:"value"`
	Answer *answer `json:"answer"` // null: its outcome is unknown
	Start  int64   `json:"start"`
	End    int64   `json:"end"`
}

type answer struct {
	Kind string `json:"kind"` // of an idempotency key: created, same, done, conflict
	Text string `json:"text"` // what was read, or the id
}

type history struct {
	Model      string      `json:"model"`
	Operations []operation `json:"operations"`
}

type key struct {
	bound bool
	asked string
	made  string
}

func register(state, input, output interface{}) (bool, interface{}) {
	in, out := input.(operation), output.(*answer)
	if in.Action == "write" {
		return true, in.Value
	}
	return out.Text == state.(string), state
}

func list(state, input, output interface{}) (bool, interface{}) {
	in, out := input.(operation), output.(*answer)
	if in.Action == "append" {
		return true, state.(string) + in.Value + ","
	}
	return out.Text == state.(string), state
}

func idempotency(state, input, output interface{}) (bool, interface{}) {
	in, out, now := input.(operation), output.(*answer), state.(key)
	if out == nil {
		if now.bound {
			return true, now
		}
		return true, key{true, in.Value, ""}
	}
	if !now.bound {
		return out.Kind == "created" || out.Kind == "done", key{true, in.Value, out.Text}
	}
	if in.Value != now.asked {
		return out.Kind == "conflict", now
	}
	if out.Kind != "same" && out.Kind != "done" {
		return false, now
	}
	if now.made == "" {
		return true, key{true, now.asked, out.Text}
	}
	return out.Text == "" || out.Text == now.made, now
}

func model(name string) porcupine.Model {
	switch name {
	case "register":
		return porcupine.Model{Init: func() interface{} { return "" }, Step: register}
	case "list":
		return porcupine.Model{Init: func() interface{} { return "" }, Step: list}
	}
	return porcupine.Model{Init: func() interface{} { return key{} }, Step: idempotency}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	var told strings.Builder
	for lines.Scan() {
		var one history
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		operations := make([]porcupine.Operation, len(one.Operations))
		for at, op := range one.Operations {
			end := op.End
			if op.Answer == nil {
				end = math.MaxInt64 // it may come true at any time, or after all others
			}
			operations[at] = porcupine.Operation{ClientId: at, Input: op, Call: op.Start, Output: op.Answer, Return: end}
		}
		fmt.Fprintln(&told, porcupine.CheckOperationsTimeout(model(one.Model), operations, 0))
	}
	fmt.Print(told.String())
}
