#include "classifiers/diagnosis/trace/trace.h"

#include <algorithm>

#include "classifiers/diagnosis/trace/lines.h"
#include "classifiers/diagnosis/trace/prefix.h"
#include "classifiers/diagnosis/trace/reader_internal.h"

namespace medic {
namespace {

using trace::Header;
using trace::HeaderSearch;

// "Preconditions.checkArgument" of whichever project: a check decides nothing while its caller is known.
bool is_a_check(std::string_view function) {
    const auto method = function.rfind('.');
    if (method == std::string_view::npos) return false;
    function = function.substr(0, method);
    const auto name = function.substr(function.rfind('.') + 1);
    for (const std::string_view check :
         {"Preconditions", "Precondition", "Validate", "ValidationUtils", "Asserts", "Assertions", "Checks"})
        if (name == check) return true;
    return false;
}

// The frame that decides: the innermost one that is somebody's code rather than a library's, in the deepest throwable
// that has one. Suppressed throwables never decide.
void decide(Failure& failure) {
    for (std::size_t at = failure.chain.size(); at-- > 0 && !failure.has_deciding_frame;) {
        const auto& throwable = failure.chain[at];
        if (throwable.relation == Throwable::Relation::suppressed) continue;
        for (std::size_t frame = 0; frame < throwable.frames.size(); ++frame) {
            const auto owner = throwable.frames[frame].owner;
            if (owner == FrameOwner::jdk || owner == FrameOwner::library) continue;
            const bool check = is_a_check(throwable.frames[frame].function);
            if (check && failure.has_deciding_frame) continue;
            failure.deciding_throwable = at;
            failure.deciding_frame = frame;
            failure.has_deciding_frame = true;
            if (!check) return;
        }
    }
}

// A log without any trace may still name the class that was thrown inside a line.
void read_bare_headers(const TraceLimits& limits, FailureText& out) {
    constexpr std::size_t headers_max = 8;
    for (const auto line : out.prose) {
        if (out.failures.size() >= std::min(headers_max, limits.failures_max)) return;
        const auto header = trace::parse_header(line, HeaderSearch::loose);
        if (!header || header->type.find('.') == std::string_view::npos) continue;
        auto& failure = out.failures.emplace_back();
        failure.headline = line;
        failure.chain.push_back(
            {.relation = Throwable::Relation::first, .type = header->type, .message = header->message});
    }
}

}  // namespace

const Throwable& Failure::root() const {
    for (std::size_t at = chain.size(); at-- > 1;)
        if (chain[at].relation != Throwable::Relation::suppressed) return chain[at];
    return chain.front();
}

std::string_view Failure::root_type() const {
    constexpr int nested_max = 8;
    auto type = root().type;
    auto message = root().message;
    for (int depth = 0; depth < nested_max; ++depth) {
        const auto inner = trace::parse_header(message, HeaderSearch::whole_line);
        if (!inner || inner->type.find('.') == std::string_view::npos) break;
        type = inner->type;
        message = inner->message;
    }
    return type;
}

const Frame* Failure::deciding() const {
    return has_deciding_frame ? &chain[deciding_throwable].frames[deciding_frame] : nullptr;
}

FailureText read_failures(std::string_view text, const Ownership& ownership, const TraceLimits& limits) {
    FailureText out;
    out.failures.reserve(limits.failures_max);  // Reader keeps pointers into it.
    if (text.size() > limits.text_bytes_max) {
        text = text.substr(0, limits.text_bytes_max);
        out.truncated = true;
    }
    if (auto plain = trace::without_terminal_escapes(text)) {
        out.unescaped = std::make_unique<std::string>(std::move(*plain));
        text = *out.unescaped;
    }
    if (auto plain = trace::unescape_json_lines(text)) {
        out.unescaped = std::make_unique<std::string>(std::move(*plain));
        text = *out.unescaped;
    }
    trace::Reader{ownership, limits, out}.read(text);
    std::erase_if(out.failures, [](const Failure& failure) { return failure.chain.empty(); });
    if (out.failures.empty()) read_bare_headers(limits, out);
    for (auto& failure : out.failures) decide(failure);
    out.record = find_record(text);
    out.exit_code = find_exit_code(text);
    return out;
}

std::string one_line(const Failure& failure) {
    const auto& root = failure.root();
    const auto dot = root.type.rfind('.');
    std::string out{dot == std::string_view::npos ? root.type : root.type.substr(dot + 1)};
    if (!root.message.empty()) out += ": " + std::string{root.message.substr(0, 200)};
    if (const auto* frame = failure.deciding()) {
        out += " at " + std::string{frame->function};
        if (!frame->location.empty()) out += " (" + std::string{frame->location} + ")";
    }
    return out;
}

}  // namespace medic
