#include "classifiers/diagnosis/trace/reader_internal.h"

#include "classifiers/diagnosis/trace/prefix.h"

namespace medic::trace {
namespace {

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

// Down to `max` lines: first the oldest of those that only tell what happened meanwhile go, then the oldest. A log's
// newest lines are what it is read for, and what failed first explains them.
void shed(std::vector<std::string_view>& prose, std::size_t max) {
    if (prose.size() <= max) return;
    std::size_t excess = prose.size() - max;
    std::erase_if(prose, [&](std::string_view line) {
        if (excess == 0 || !is_aside(line)) return false;
        --excess;
        return true;
    });
    prose.erase(prose.begin(), prose.begin() + static_cast<std::ptrdiff_t>(excess));
}

}  // namespace

void Reader::read(std::string_view text) {
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
    shed(out_.prose, limits_.prose_lines_max);
}

void Reader::read_line(std::string_view line) {
    line = without_collector_prefix(line);
    const auto trimmed = trim(line);
    if (trimmed.empty()) return;
    if (python_.active && read_python(line, trimmed)) return;
    if (trimmed.starts_with("at ")) {
        if (const auto frame = parse_bare_script_frame(trimmed)) return add_told_frame(*frame, trimmed);
        if (const auto frame = parse_frame(trimmed)) return add_frame(frame->function, frame->location);
        if (const auto frame = parse_script_frame(trimmed)) return add_told_frame(*frame, trimmed);
    }
    if (const auto elided = parse_elision(trimmed)) {
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
    if (const auto header = parse_header(line, HeaderSearch::whole_line)) {
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
void Reader::add_told_frame(const FrameLine& frame, std::string_view trimmed) {
    keep_prose(trimmed);
    add_frame(frame.function, frame.location);
}

// "Caused by: …", "Suppressed: …", "Wrapped by: …", "[CIRCULAR REFERENCE: …]", ": …" below a Py4JJavaError.
bool Reader::read_relation(std::string_view trimmed, bool indented) {
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
               parse_header(trimmed.substr(2), HeaderSearch::whole_line)) {
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
    if (const auto header = parse_header(rest, HeaderSearch::whole_line)) {
        next.type = header->type;
        next.message = header->message;
    } else {
        const auto colon = rest.find(": ");
        next.type = rest.substr(0, colon);
        if (colon != std::string_view::npos) next.message = trim(rest.substr(colon + 2));
    }
    add_throwable(std::move(next));
    return true;
}

void Reader::begin_failure(const Header& header) {
    if (!begin_empty_failure()) return;
    add_throwable(Throwable{.relation = Throwable::Relation::first, .type = header.type, .message = header.message});
    // .NET may put the whole chain on one line: "A: why ---> B: why".
    constexpr std::string_view arrow = " ---> ";
    for (auto rest = header.message; current_ != nullptr;) {
        const auto at = rest.find(arrow);
        if (at == std::string_view::npos) break;
        rest = rest.substr(at + arrow.size());
        if (const auto inner = parse_header(rest, HeaderSearch::whole_line))
            add_throwable({.relation = Throwable::Relation::cause, .type = inner->type, .message = inner->message});
    }
}

bool Reader::begin_empty_failure() {
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

void Reader::add_throwable(Throwable throwable) {
    if (open_->chain.size() >= limits_.throwables_max) {
        out_.truncated = true;
        current_ = nullptr;
        return;
    }
    current_ = &open_->chain.emplace_back(std::move(throwable));
}

void Reader::add_frame(std::string_view function, std::string_view location) {
    if (current_ == nullptr) {
        // Frames without a header of their own line: the log line before them holds the class, or nothing does.
        auto header = headline_.empty() ? std::nullopt : parse_header(headline_, HeaderSearch::loose);
        if (!header) header = parse_plain_header(headline_);
        if (!header) header = parse_any_header(headline_);
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

void Reader::keep_prose(std::string_view line) {
    // Shed now and then rather than with each line, so that a long text costs no more a line than a short one.
    if (out_.prose.size() >= 2 * limits_.prose_lines_max) shed(out_.prose, limits_.prose_lines_max);
    out_.prose.push_back(line);
    out_.truncated = out_.truncated || out_.prose.size() > limits_.prose_lines_max;
    if (line.starts_with("The above exception was the direct cause") ||
        line.starts_with("During handling of the above exception")) {
        python_continues_ = true;
    } else if (!line.starts_with("Traceback")) {
        python_continues_ = false;
    }
}

}  // namespace medic::trace
