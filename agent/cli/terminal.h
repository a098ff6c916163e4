// What people read: colour on a terminal only, and never with NO_COLOR or TERM=dumb. Names, errors and stories come
// from outside, and a terminal obeys what stands in them: text leaves through print_text() or complain(), never as it
// came.
#pragma once

#include <string>
#include <string_view>

namespace medic::cli {

enum class Tone { plain, good, bad, warn, faint, strong };
enum class Stream { output, errors };  // Each may be a terminal or not.

// Plain (agent/base/plain_text.h), and in its colour.
[[nodiscard]] std::string paint(std::string_view text, Tone tone, Stream stream = Stream::output);
// To standard output: without controls, but for line feeds, tabs and the colours of paint().
void print_text(std::string_view text);
// With `-o json` or `-o yaml` as it is, for a program; else as text.
void print_as(std::string_view output, std::string_view text);
// "3 min ago", "12 s", for a person.
[[nodiscard]] std::string ago_text(double seconds);

}  // namespace medic::cli
