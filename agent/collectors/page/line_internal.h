// One line of a page. Shared by PageParser and PageCache; nobody else includes it.
#pragma once

#include <cmath>

#include "agent/collectors/page/page.h"

namespace medic::page_detail {

struct Cursor {
    const char* begin;
    const char* at;
    const char* end;

    explicit Cursor(std::string_view line) : begin(line.data()), at(line.data()), end(line.data() + line.size()) {}
    [[nodiscard]] bool done() const { return at == end; }
    [[nodiscard]] char peek() const { return at == end ? '\0' : *at; }
    [[nodiscard]] std::size_t column() const { return static_cast<std::size_t>(at - begin) + 1; }
    bool take(char c) {
        if (at == end || *at != c) return false;
        ++at;
        return true;
    }
    void skip_blanks() {
        while (at != end && (*at == ' ' || *at == '\t')) ++at;
    }
    [[nodiscard]] std::string_view rest() const { return {at, static_cast<std::size_t>(end - at)}; }
};

// A float as both formats write it; moves `at` behind it. Hexadecimal, octal, binary and '_' are no floats.
[[nodiscard]] bool take_float(Cursor& cursor, double& value);

struct Comment {
    enum class Kind : std::uint8_t { none, type, help, unit, eof };
    Kind kind = Kind::none;
    std::string_view family;  // Until the next line is read.
    std::string_view text;    // HELP's text as written, or the unit.
    MetricType type = MetricType::unknown;
};

class LineReader {
public:
    LineReader(PageFormat format, const PageLimits& limits) : format_(format), limits_(limits) {}

    // Reads name, labels, value, time stamp and exemplar. False: problem() says why.
    [[nodiscard]] bool sample(std::string_view line, PageSample& sample);
    // What follows the series: " value [timestamp] [# exemplar]".
    [[nodiscard]] bool tail(Cursor& cursor, PageSample& sample);
    [[nodiscard]] bool comment(std::string_view line, Comment& comment);
    [[nodiscard]] const PageProblem& problem() const { return problem_; }

private:
    bool fail_at(const Cursor& cursor, std::string_view expected);
    bool separator(Cursor& cursor);
    bool quoted(Cursor& cursor, std::string_view what, std::string_view& text);
    bool name(Cursor& cursor, std::string_view what, bool colons, std::string_view& name);
    bool labels(Cursor& cursor, std::vector<PageLabel>& into, std::string_view* metric);
    bool value(Cursor& cursor, std::string_view label, std::vector<PageLabel>& into);
    bool exemplar(Cursor& cursor, PageSample& sample);

    PageFormat format_;
    PageLimits limits_;
    PageProblem problem_;
    std::vector<PageLabel> labels_, exemplar_labels_;
    std::string unescaped_;  // Reserved to the line's size first, so that views into it stay valid.
};

// Calls on(line without its end, number from 1) for each line until it returns false. CRLF is read as LF.
// Returns false when the last line has no end: the page was cut off.
template <class On>
bool for_each_line(std::string_view page, On on) {
    std::size_t number = 0;
    while (!page.empty()) {
        const auto end = page.find('\n');
        std::string_view line = page.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        ++number;
        if (end == std::string_view::npos) {
            // Only "# EOF" may do without: a value could have lost digits.
            if (line != "# EOF") return false;
            on(line, number);
            return true;
        }
        if (!on(line, number)) return true;
        page.remove_prefix(end + 1);
    }
    return true;
}

[[nodiscard]] std::string_view family_of(std::string_view name, std::string_view family, MetricType type);

}  // namespace medic::page_detail
