// Reads failures out of text: Java and Scala stack traces, Python tracebacks, native back traces, JVM fatal error logs.
// Says what was thrown, through whose code, which frame decides, and which record was being handled. Names no cause.
// Linear in the text's length; bounded by TraceLimits. Called by analyzers (events) and by `medic classify` (files).
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "classifiers/diagnosis/trace/owner.h"

namespace medic {

struct Frame {
    std::string_view function;  // Qualified: "com.acme.Enrich.map", "fleet::Enrich::map(Event const&)", "enrich".
    std::string_view location;  // "Enrich.java:42", "libfleet_monitor.so+0x1f2", "/jobs/enrich.py:42".
    FrameOwner owner = FrameOwner::library;
};

struct Throwable {
    enum class Relation : std::uint8_t { first, cause, suppressed };
    Relation relation = Relation::first;
    std::string_view type = {};      // "java.lang.NullPointerException", "ValueError", "SIGSEGV".
    std::string_view message = {};   // Its first line; further lines are in FailureText::prose.
    std::vector<Frame> frames = {};  // Innermost first, whatever order the language prints.
    std::uint32_t elided = 0;        // "... n more", and frames beyond the limit.
};

struct RecordRef {
    std::string topic;
    std::int64_t partition = 0;
    std::int64_t offset = -1;
    auto operator<=>(const RecordRef&) const = default;
};

// One thing that went wrong: an outermost throwable with its causes and what was suppressed, in the order
// outermost … deepest cause.
struct Failure {
    std::string_view headline;  // The log line that introduced it; may be empty.
    std::vector<Throwable> chain;
    std::size_t deciding_throwable = 0;  // Index into chain; meaningful when has_deciding_frame.
    std::size_t deciding_frame = 0;
    bool has_deciding_frame = false;

    // The class of the deepest cause, also where a wrapper only repeats it in its message ("X: a.b.YException: why").
    [[nodiscard]] std::string_view root_type() const;
    [[nodiscard]] const Throwable& root() const;  // The deepest cause that is not merely suppressed.
    [[nodiscard]] const Frame* deciding() const;
};

// Everything read from one text. Views point into the caller's text or into `unescaped`, so keep both.
struct FailureText {
    std::unique_ptr<std::string> unescaped;  // Set when the text came as JSON log lines.
    std::vector<Failure> failures;
    // Lines that are not frames: log lines, headers, messages. Of too many the newest, what failed before the rest.
    std::vector<std::string_view> prose;
    std::optional<RecordRef> record;
    std::optional<int> exit_code;
    bool truncated = false;  // A limit was met.
};

struct TraceLimits {
    std::size_t text_bytes_max = 1 << 20;   // The rest is not read (callers cut big logs into pieces).
    std::size_t failures_max = 64;          // The first ones: they explain what follows.
    std::size_t throwables_max = 64;        // In one failure.
    std::size_t frames_max = 512;           // Of one throwable; a stack overflow repeats itself.
    std::size_t prose_lines_max = 2'000;    // Of INFO, DEBUG, TRACE and WARN the oldest go first.
    std::size_t line_bytes_max = 8 * 1024;  // A longer line is cut.
};

[[nodiscard]] FailureText read_failures(std::string_view text, const Ownership& ownership = {},
                                        const TraceLimits& limits = {});
template <std::same_as<std::string> Temporary>
FailureText read_failures(Temporary&& text, const Ownership& = {}, const TraceLimits& = {}) = delete;  // Views dangle.

// The record that a text names: "topic 't' partition 0 at offset 5", "ConsumerRecord(topic = …", "t-3 at offset 42".
[[nodiscard]] std::optional<RecordRef> find_record(std::string_view text);

// An exit code that a text names: "exitCode=137", "exit code 143", "Exit 239".
[[nodiscard]] std::optional<int> find_exit_code(std::string_view text);

// "NullPointerException at com.acme.Enrich.map(Enrich.java:42)": one line for a person.
[[nodiscard]] std::string one_line(const Failure& failure);

}  // namespace medic
