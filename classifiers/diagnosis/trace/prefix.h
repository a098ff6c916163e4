// What log collectors and people put in front of a line of a trace: a container's name, a pod's name, a time stamp on
// every line, quoting marks, colours. Helpers of trace.cc only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace medic::trace {

// The line without "connect-1  | ", "[pod/kafka-0/kafka] ", "> " and, where a frame, a cause or an elision follows,
// without a time stamp. The line itself where none of these stands in front.
[[nodiscard]] std::string_view without_collector_prefix(std::string_view line);

// Without terminal escapes ("\x1b[31m"); nullopt where there are none.
[[nodiscard]] std::optional<std::string> without_terminal_escapes(std::string_view text);

// INFO, DEBUG and TRACE lines, and WARN lines: what happened meanwhile, not what failed.
[[nodiscard]] bool is_aside(std::string_view line);

}  // namespace medic::trace
