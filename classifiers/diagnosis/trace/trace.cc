#include "classifiers/diagnosis/trace/trace.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "classifiers/diagnosis/trace/languages.h"
#include "classifiers/diagnosis/trace/lines.h"
#include "classifiers/diagnosis/trace/prefix.h"

namespace medic {
namespace {

using trace::Header;
using trace::HeaderSearch;

// Starts as log4j's, logback's and java.util.logging's layouts do: a date, a bracket, a level.
bool looks_like_log_line(std::string_view line) {
    if (line.starts_with("[") && line.size() > 5 && (line[1] == '2' || line[1] == '1')) return true;
    if (line.starts_with("[")) {
        // slf4j-simple: "[main] ERROR org.acme.Job - …".
        const auto close = line.find("] ");
        if (close != std::string_view::npos) line = line.substr(close + 2);
    }
    std::size_t digits = 0;
    while (digits < line.size() && line[digits] >= '0' && line[digits] <= '9') ++digits;
    if (digits >= 2 && digits < line.size() && (line[digits] == '-' || line[digits] == '/' || line[digits] == ':'))
        return true;
    for (const std::string_view level : {"ERROR", "WARN", "INFO", "DEBUG", "FATAL", "TRACE", "SEVERE"})
        if (line.starts_with(level)) return true;
    return false;
}

// A debugger's "Thread 1 "job" received signal SIGSEGV, Segmentation fault."
std::optional<Header> received_signal(std::string_view trimmed) {
    constexpr std::string_view words = " received signal SIG";
    const auto at = trimmed.find(words);
    if (at == std::string_view::npos) return std::nullopt;
    const auto name = trimmed.substr(at + words.size() - 3);
    return Header{name.substr(0, name.find_first_of(", .")), trimmed};
}

class Reader {
public:
    Reader(const Ownership& ownership, const TraceLimits& limits, FailureText& out)
        : ownership_(ownership), limits_(limits), out_(out) {}

    void read(std::string_view text) {
        while (!text.empty()) {
            const auto end = text.find('\n');
            auto line = text.substr(0, end);
            text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
            if (line.size() > limits_.line_bytes_max) {
                line = line.substr(0, limits_.line_bytes_max);
                out_.truncated = true;
            }
            read_line(line);
        }
        close_python();
    }

private:
    void read_line(std::string_view line) {
        line = trace::without_collector_prefix(line);
        const auto trimmed = trace::trim(line);
        if (trimmed.empty()) return;
        if (python_.active && read_python(line, trimmed)) return;
        if (trimmed.starts_with("at ")) {
            if (const auto frame = trace::parse_bare_script_frame(trimmed)) return add_told_frame(*frame, trimmed);
            if (const auto frame = trace::parse_frame(trimmed)) return add_frame(frame->function, frame->location);
            if (const auto frame = trace::parse_script_frame(trimmed)) return add_told_frame(*frame, trimmed);
        }
        if (const auto elided = trace::parse_elision(trimmed)) {
            if (current_ != nullptr) current_->elided += *elided;
            return;
        }
        keep_prose(trimmed);
        if (read_other_language(trimmed)) return;
        if (read_relation(trimmed, line.front() == ' ' || line.front() == '\t')) {
            message_follows_ = trimmed.ends_with(':');
            return;
        }
        if (trimmed.ends_with("Traceback (most recent call last):")) {
            // On a line of its own, or behind the Java exception that carries it.
            close_python();
            python_.active = true;
            return;
        }
        if (trimmed.starts_with("#") && read_fatal_error_log(trimmed)) return;
        if (const auto header = trace::parse_header(line, HeaderSearch::whole_line)) {
            begin_failure(*header);
            message_follows_ = trimmed.ends_with(':');
            return;
        }
        if (const auto header = received_signal(trimmed)) return begin_failure(*header);
        // A message may go on for lines; a log line, or anything after frames, ends the throwable.
        if (current_ != nullptr && current_->frames.empty() && !looks_like_log_line(trimmed)) {
            // "SomeException:", and what it says below.
            if (message_follows_ && current_->message.empty()) current_->message = trimmed;
            return;
        }
        headline_ = trimmed;
        current_ = nullptr;
    }

    // Frames of languages without Java's form stay prose too: what they say is looked for in messages as well.
    void add_told_frame(const trace::FrameLine& frame, std::string_view trimmed) {
        keep_prose(trimmed);
        add_frame(frame.function, frame.location);
    }

    bool read_other_language(std::string_view trimmed) {
        if (const auto ruby = trace::parse_ruby_frame(trimmed)) {
            if (ruby->header) begin_failure(*ruby->header);
            add_frame(ruby->frame.function, ruby->frame.location);
            return true;
        }
        if (const auto header = trace::parse_elixir_header(trimmed)) {
            // "** (exit) …" and then what ended it.
            if (current_ != nullptr && current_->frames.empty() && elixir_) {
                add_throwable(
                    {.relation = Throwable::Relation::cause, .type = header->type, .message = header->message});
            } else {
                begin_failure(*header);
            }
            elixir_ = true;
            return true;
        }
        if (trimmed.starts_with("#") || trimmed.starts_with("(") || elixir_) {
            auto frame = trace::parse_elixir_frame(trimmed);
            if (!frame) frame = trace::parse_numbered_frame(trimmed);
            if (frame) {
                add_frame(frame->function, frame->location);
                return true;
            }
        }
        return read_inner_exception(trimmed) || read_go(trimmed);
    }

    // .NET: an inner exception stands behind an arrow and prints its frames first, then the outer's follow.
    bool read_inner_exception(std::string_view trimmed) {
        if (trimmed.starts_with("---> ") && open_ != nullptr && current_ != nullptr) {
            const auto header = trace::parse_header(trimmed.substr(5), HeaderSearch::whole_line);
            if (!header) return false;
            add_throwable({.relation = Throwable::Relation::cause, .type = header->type, .message = header->message});
            return true;
        }
        if (!trimmed.starts_with("--- End of ")) return false;
        if (trimmed.starts_with("--- End of inner") && current_ != nullptr && current_ != &open_->chain.front())
            --current_;
        return true;
    }

    bool read_go(std::string_view trimmed) {
        if (const auto header = trace::parse_go_header(trimmed)) {
            // A panic while panicking prints both, the first one first.
            if (!go_ || current_ == nullptr) begin_failure(*header);
            go_ = true;
            return true;
        }
        if (trimmed.starts_with("goroutine ") && trimmed.ends_with("]:")) {
            // The one that failed comes first; the others merely wait.
            const bool another = current_ != nullptr && !current_->frames.empty();
            if (another) current_ = nullptr;
            go_ = current_ != nullptr;
            return true;
        }
        if (!go_ || current_ == nullptr) return false;
        if (trimmed.starts_with("[signal ")) return true;
        if (trace::is_go_location(trimmed)) {
            if (current_->frames.empty()) return true;
            auto& frame = current_->frames.back();
            frame.location = trimmed.substr(0, trimmed.find(' '));
            frame.owner = owner_of(frame.function, frame.location, ownership_);
            return true;
        }
        if (const auto frame = trace::parse_go_frame(trimmed)) {
            add_frame(frame->function, frame->location);
            return true;
        }
        if (!current_->frames.empty()) go_ = false;
        return false;
    }

    // "Caused by: …", "Suppressed: …", "Wrapped by: …", "[CIRCULAR REFERENCE: …]", ": …" below a Py4JJavaError.
    bool read_relation(std::string_view trimmed, bool indented) {
        if (trimmed.starts_with("[CIRCULAR REFERENCE") || trimmed.starts_with("Caused by: [CIRCULAR REFERENCE"))
            return true;
        auto relation = Throwable::Relation::cause;
        std::string_view rest;
        if (trimmed.starts_with("Caused by: ")) {
            rest = trimmed.substr(11);
        } else if (trimmed.starts_with("Suppressed: ")) {
            rest = trimmed.substr(12);
            relation = Throwable::Relation::suppressed;
        } else if (trimmed.starts_with(": ") && open_ != nullptr && !open_->chain.empty() &&
                   open_->chain.back().type.ends_with("Py4JJavaError") &&
                   trace::parse_header(trimmed.substr(2), HeaderSearch::whole_line)) {
            rest = trimmed.substr(2);  // What Java threw, below what Python says of it.
        } else {
            return false;
        }
        if (open_ == nullptr && !begin_empty_failure()) return true;
        // A cause that stands deeper than a "Suppressed:" belongs to the suppressed one, not to the chain that failed.
        Throwable next{.relation = relation};
        if (relation == Throwable::Relation::suppressed) {
            suppressing_ = true;
        } else if (suppressing_ && indented) {
            next.relation = Throwable::Relation::suppressed;
        } else {
            suppressing_ = false;
        }
        if (const auto header = trace::parse_header(rest, HeaderSearch::whole_line)) {
            next.type = header->type;
            next.message = header->message;
        } else {
            const auto colon = rest.find(": ");
            next.type = rest.substr(0, colon);
            if (colon != std::string_view::npos) next.message = trace::trim(rest.substr(colon + 2));
        }
        add_throwable(std::move(next));
        return true;
    }

    void begin_failure(const Header& header) {
        if (!begin_empty_failure()) return;
        add_throwable(
            Throwable{.relation = Throwable::Relation::first, .type = header.type, .message = header.message});
        // .NET may put the whole chain on one line: "A: why ---> B: why".
        constexpr std::string_view arrow = " ---> ";
        for (auto rest = header.message; current_ != nullptr;) {
            const auto at = rest.find(arrow);
            if (at == std::string_view::npos) break;
            rest = rest.substr(at + arrow.size());
            if (const auto inner = trace::parse_header(rest, HeaderSearch::whole_line))
                add_throwable({.relation = Throwable::Relation::cause, .type = inner->type, .message = inner->message});
        }
    }

    bool begin_empty_failure() {
        current_ = nullptr;
        suppressing_ = false;
        if (out_.failures.size() >= limits_.failures_max) {
            out_.truncated = true;
            open_ = nullptr;
            return false;
        }
        open_ = &out_.failures.emplace_back();
        open_->headline = headline_;
        headline_ = {};
        return true;
    }

    void add_throwable(Throwable throwable) {
        if (open_->chain.size() >= limits_.throwables_max) {
            out_.truncated = true;
            current_ = nullptr;
            return;
        }
        current_ = &open_->chain.emplace_back(std::move(throwable));
    }

    void add_frame(std::string_view function, std::string_view location) {
        if (current_ == nullptr) {
            // Frames without a header of their own line: the log line before them holds the class, or nothing does.
            auto header = headline_.empty() ? std::nullopt : trace::parse_header(headline_, HeaderSearch::loose);
            if (!header) header = trace::parse_plain_header(headline_);
            if (!header) header = trace::parse_any_header(headline_);
            if (!header && open_ != nullptr && open_->chain.empty() == false && headline_.empty()) {
                current_ = &open_->chain.back();
            } else {
                begin_failure(header.value_or(Header{}));
                if (current_ == nullptr) return;
            }
        }
        if (current_->frames.size() >= limits_.frames_max) {
            ++current_->elided;
            out_.truncated = true;
            return;
        }
        current_->frames.push_back({function, location, owner_of(function, location, ownership_)});
    }

    // --- Python: most recent call last, causes first --------------------------------------------------------------
    struct Python {
        bool active = false;
        std::vector<Frame> frames;
    };

    // True when the line was part of the traceback.
    bool read_python(std::string_view line, std::string_view trimmed) {
        if (const auto frame = trace::parse_python_frame(trimmed)) {
            if (python_.frames.size() < limits_.frames_max)
                python_.frames.push_back(
                    {frame->function, frame->location, owner_of(frame->function, frame->location, ownership_)});
            return true;
        }
        if (line.front() == ' ' || line.front() == '\t') return true;  // The source line below a frame.
        keep_prose(trimmed);
        const auto colon = trimmed.find(':');
        const Header header{trimmed.substr(0, colon), colon == std::string_view::npos
                                                          ? std::string_view{}
                                                          : trace::trim(trimmed.substr(colon + 1))};
        end_python(header);
        return true;
    }

    void end_python(const Header& header) {
        const bool continues = python_continues_ && open_ != nullptr && !open_->chain.empty();
        Throwable throwable{.relation = Throwable::Relation::first, .type = header.type, .message = header.message};
        throwable.frames.assign(python_.frames.rbegin(), python_.frames.rend());
        python_ = {};
        python_continues_ = true;
        if (continues && open_->chain.size() < limits_.throwables_max) {
            open_->chain.front().relation = Throwable::Relation::cause;
            open_->chain.insert(open_->chain.begin(), std::move(throwable));
        } else if (begin_empty_failure()) {
            add_throwable(std::move(throwable));
        }
        current_ = nullptr;
    }

    void close_python() {
        if (python_.active && !python_.frames.empty()) end_python(Header{});
        python_ = {};
    }

    // --- The JVM's own fatal error log -------------------------------------------------------------------------------
    bool read_fatal_error_log(std::string_view trimmed) {
        const auto text = trace::trim(trimmed.substr(1));
        if (expect_problem_frame_) {
            expect_problem_frame_ = false;
            if (text.size() > 2 && current_ != nullptr) {
                const auto body = trace::trim(text.substr(1));
                const auto close = body.starts_with("[") ? body.find(']') : std::string_view::npos;
                if (close != std::string_view::npos) {
                    add_frame(body.substr(close + 1).empty() ? body : trace::trim(body.substr(close + 1)),
                              body.substr(1, close - 1));
                } else {
                    add_frame(body, {});
                }
            }
            return true;
        }
        if (text.starts_with("Problematic frame:")) {
            expect_problem_frame_ = true;
            return true;
        }
        for (const std::string_view signal : {"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "EXCEPTION_ACCESS_VIOLATION"})
            if (text.starts_with(signal)) {
                begin_failure({text.substr(0, signal.size()), trace::trim(text.substr(signal.size()))});
                return true;
            }
        return false;
    }

    void keep_prose(std::string_view line) {
        if (out_.prose.size() < limits_.prose_lines_max) {
            out_.prose.push_back(line);
        } else {
            out_.truncated = true;
        }
        if (line.starts_with("The above exception was the direct cause") ||
            line.starts_with("During handling of the above exception")) {
            python_continues_ = true;
        } else if (!line.starts_with("Traceback")) {
            python_continues_ = false;
        }
    }

    const Ownership& ownership_;
    const TraceLimits& limits_;
    FailureText& out_;
    Failure* open_ = nullptr;       // The failure being read; stays valid: failures_max is reserved up front.
    Throwable* current_ = nullptr;  // The throwable that frames go to; likewise.
    std::string_view headline_;
    Python python_;
    bool python_continues_ = false, suppressing_ = false, expect_problem_frame_ = false;
    bool go_ = false, elixir_ = false;
    bool message_follows_ = false;  // The header of `current_` ended in its colon.
};

// "Preconditions.checkArgument" of whichever project: a check decides nothing while its caller is known.
bool is_a_check(std::string_view function) {
    const auto method = function.rfind('.');
    if (method == std::string_view::npos) return false;
    function = function.substr(0, method);
    const auto name = function.substr(function.rfind('.') + 1);
    for (const std::string_view check : {"Preconditions", "Precondition", "Validate", "Asserts", "Assertions"})
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
    Reader{ownership, limits, out}.read(text);
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
