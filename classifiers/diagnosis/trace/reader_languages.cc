// What languages other than Java and Scala print, and the fatal error logs of virtual machines.
#include "classifiers/diagnosis/trace/reader_internal.h"

namespace medic::trace {

bool Reader::read_other_language(std::string_view trimmed) {
    if (const auto ruby = parse_ruby_frame(trimmed)) {
        if (ruby->header) begin_failure(*ruby->header);
        add_frame(ruby->frame.function, ruby->frame.location);
        return true;
    }
    if (const auto header = parse_elixir_header(trimmed)) {
        // "** (exit) …" and then what ended it.
        if (current_ != nullptr && current_->frames.empty() && elixir_) {
            add_throwable({.relation = Throwable::Relation::cause, .type = header->type, .message = header->message});
        } else {
            begin_failure(*header);
        }
        elixir_ = true;
        return true;
    }
    if (trimmed.starts_with("#") || trimmed.starts_with("(") || elixir_) {
        auto frame = parse_elixir_frame(trimmed);
        if (!frame) frame = parse_numbered_frame(trimmed);
        if (frame) {
            add_frame(frame->function, frame->location);
            return true;
        }
    }
    return read_inner_exception(trimmed) || read_go(trimmed);
}

// .NET: an inner exception stands behind an arrow and prints its frames first, then the outer's follow.
bool Reader::read_inner_exception(std::string_view trimmed) {
    if (trimmed.starts_with("---> ") && open_ != nullptr && current_ != nullptr) {
        const auto header = parse_header(trimmed.substr(5), HeaderSearch::whole_line);
        if (!header) return false;
        add_throwable({.relation = Throwable::Relation::cause, .type = header->type, .message = header->message});
        return true;
    }
    if (!trimmed.starts_with("--- End of ")) return false;
    if (trimmed.starts_with("--- End of inner") && current_ != nullptr && current_ != &open_->chain.front()) --current_;
    return true;
}

bool Reader::read_go(std::string_view trimmed) {
    if (const auto header = parse_go_header(trimmed)) {
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
    if (is_go_location(trimmed)) {
        if (current_->frames.empty()) return true;
        auto& frame = current_->frames.back();
        frame.location = trimmed.substr(0, trimmed.find(' '));
        frame.owner = owner_of(frame.function, frame.location, ownership_);
        return true;
    }
    if (const auto frame = parse_go_frame(trimmed)) {
        add_frame(frame->function, frame->location);
        return true;
    }
    if (!current_->frames.empty()) go_ = false;
    return false;
}

// True when the line was part of the traceback.
bool Reader::read_python(std::string_view line, std::string_view trimmed) {
    if (const auto frame = parse_python_frame(trimmed)) {
        if (python_.frames.size() < limits_.frames_max)
            python_.frames.push_back(
                {frame->function, frame->location, owner_of(frame->function, frame->location, ownership_)});
        return true;
    }
    if (line.front() == ' ' || line.front() == '\t') return true;  // The source line below a frame.
    keep_prose(trimmed);
    const auto colon = trimmed.find(':');
    const Header header{trimmed.substr(0, colon),
                        colon == std::string_view::npos ? std::string_view{} : trim(trimmed.substr(colon + 1))};
    end_python(header);
    return true;
}

void Reader::end_python(const Header& header) {
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

void Reader::close_python() {
    if (python_.active && !python_.frames.empty()) end_python(Header{});
    python_ = {};
}

// --- The JVM's own fatal error log -------------------------------------------------------------------------------
bool Reader::read_fatal_error_log(std::string_view trimmed) {
    const auto text = trim(trimmed.substr(1));
    if (expect_problem_frame_) {
        expect_problem_frame_ = false;
        if (text.size() > 2 && current_ != nullptr) {
            const auto body = trim(text.substr(1));
            const auto close = body.starts_with("[") ? body.find(']') : std::string_view::npos;
            if (close != std::string_view::npos) {
                add_frame(body.substr(close + 1).empty() ? body : trim(body.substr(close + 1)),
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
            begin_failure({text.substr(0, signal.size()), trim(text.substr(signal.size()))});
            return true;
        }
    return false;
}

}  // namespace medic::trace
