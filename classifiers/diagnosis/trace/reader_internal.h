// Reads lines into failures, one after the other, and remembers where it stands: which failure is open, to which
// throwable frames go, in which language's words. For trace.cc only, which cuts and prepares the text.
#pragma once

#include <string_view>

#include "classifiers/diagnosis/trace/languages.h"
#include "classifiers/diagnosis/trace/lines.h"
#include "classifiers/diagnosis/trace/trace.h"

namespace medic::trace {

class Reader {
public:
    Reader(const Ownership& ownership, const TraceLimits& limits, FailureText& out)
        : ownership_(ownership), limits_(limits), out_(out) {}

    // The whole text; `out` has room for `limits.failures_max` failures already.
    void read(std::string_view text);

private:
    void read_line(std::string_view line);
    void add_told_frame(const trace::FrameLine& frame, std::string_view trimmed);
    bool read_other_language(std::string_view trimmed);
    bool read_inner_exception(std::string_view trimmed);
    bool read_go(std::string_view trimmed);
    bool read_relation(std::string_view trimmed, bool indented);
    void begin_failure(const Header& header);
    bool begin_empty_failure();
    void add_throwable(Throwable throwable);
    void add_frame(std::string_view function, std::string_view location);
    bool read_python(std::string_view line, std::string_view trimmed);
    void end_python(const Header& header);
    void close_python();
    bool read_fatal_error_log(std::string_view trimmed);
    void keep_prose(std::string_view line);

    // Most recent call last, causes first.
    struct Python {
        bool active = false;
        std::vector<Frame> frames;
    };

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

}  // namespace medic::trace
