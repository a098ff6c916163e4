#include "agent/collectors/page/page.h"

#include <algorithm>

#include "agent/collectors/page/family_check_internal.h"
#include "agent/collectors/page/line_internal.h"

namespace medic {

PageFormat page_format(std::string_view content_type) {
    constexpr std::string_view open_metrics = "application/openmetrics-text";
    // What stands behind ';' are parameters; the type itself is read in any case (RFC 9110).
    std::string_view type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
    const bool same = std::ranges::equal(type, open_metrics, {},
                                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return same ? PageFormat::open_metrics : PageFormat::prometheus_text;
}

std::string_view to_string(MetricType type) {
    switch (type) {
        case MetricType::unknown: return "unknown";
        case MetricType::counter: return "counter";
        case MetricType::gauge: return "gauge";
        case MetricType::histogram: return "histogram";
        case MetricType::gauge_histogram: return "gaugehistogram";
        case MetricType::summary: return "summary";
        case MetricType::info: return "info";
        case MetricType::state_set: return "stateset";
    }
    return "unknown";
}

std::string PageProblem::text() const {
    return line == 0 ? message : fmt::format("line {}, column {}: {}", line, column, message);
}

namespace {

using page_detail::Comment;
using page_detail::LineReader;

// State of one pass over a page.
class Pass {
public:
    Pass(const PageParser::Options& options, PageSink& sink)
        : options_(options), sink_(sink), reader_(options.format, options.limits) {}

    PageSummary run(std::string_view page) {
        if (page.size() > options_.limits.bytes_max) {
            problem(
                {0, 0,
                 fmt::format("the page has {} bytes, at most {} are read", page.size(), options_.limits.bytes_max)});
            return summary_;
        }
        const bool whole = page_detail::for_each_line(
            page, [&](std::string_view text, std::size_t number) { return line(text, number); });
        if (stopped_) return summary_;
        if (strict()) (void)check(families_.end(), summary_.lines);
        if (!whole)
            problem({summary_.lines + 1, 1, "expected a line feed at the end of the last line: the page is cut off"});
        else if (options_.format == PageFormat::open_metrics && !eof_)
            problem({0, 0, "expected \"# EOF\" as the last line: the page is cut off"});
        return summary_;
    }

private:
    bool line(std::string_view text, std::size_t number) {
        summary_.lines = number;
        if (eof_) return problem({number, 1, "expected nothing after # EOF"}) && false;
        if (text.size() > options_.limits.line_bytes_max)
            return problem({number, 1,
                            fmt::format("the line has {} bytes, at most {} are read", text.size(),
                                        options_.limits.line_bytes_max)});
        const auto first = options_.format == PageFormat::open_metrics ? 0 : text.find_first_not_of(" \t");
        if (text.empty() || first == std::string_view::npos) {
            if (options_.format == PageFormat::open_metrics) return problem({number, 1, "expected no blank line"});
            return true;
        }
        return text[first] == '#' ? comment(text, number) : sample(text, number);
    }

    bool sample(std::string_view text, std::size_t number) {
        if (summary_.samples >= options_.limits.samples_max)
            return problem({number, 1, fmt::format("more than {} samples", options_.limits.samples_max)}) && false;
        PageSample sample;
        if (!reader_.sample(text, sample)) return reader_problem(number);
        sample.line = number;
        sample.family = page_detail::family_of(sample.name, family_, type_);
        sample.type = sample.family.empty() ? MetricType::unknown : type_;
        if (strict() && !check(families_.sample(sample), number)) return !stopped_;
        ++summary_.samples;
        sink_.on_sample(sample);
        return true;
    }

    bool comment(std::string_view text, std::size_t number) {
        Comment comment;
        if (!reader_.comment(text, comment)) return reader_problem(number);
        if (strict() && !check(families_.comment(comment), number) && stopped_) return false;
        switch (comment.kind) {
            case Comment::Kind::none: break;
            case Comment::Kind::eof: eof_ = true; break;
            case Comment::Kind::help:
                enter(comment.family);
                sink_.on_help(comment.family, comment.text);
                break;
            case Comment::Kind::unit:
                enter(comment.family);
                sink_.on_unit(comment.family, comment.text);
                break;
            case Comment::Kind::type:
                enter(comment.family);
                type_ = comment.type;
                sink_.on_type(comment.family, comment.type);
                break;
        }
        return true;
    }

    void enter(std::string_view family) {
        if (family == family_) return;
        family_ = family;
        type_ = MetricType::unknown;
    }

    [[nodiscard]] bool strict() const { return options_.strict && options_.format == PageFormat::open_metrics; }
    // False when there is a problem, which is noted.
    bool check(page_detail::FamilyCheck::Problem found, std::size_t number) {
        if (!found) return true;
        (void)problem({number, 1, *std::move(found)});
        return false;
    }

    bool reader_problem(std::size_t number) {
        PageProblem found = reader_.problem();
        found.line = number;
        return problem(std::move(found));
    }

    bool problem(PageProblem found) {
        ++summary_.problems;
        if (!summary_.first_problem) summary_.first_problem = std::move(found);
        stopped_ = options_.on_problem == PageParser::OnProblem::stop;
        return !stopped_;
    }

    const PageParser::Options& options_;
    PageSink& sink_;
    LineReader reader_;
    page_detail::FamilyCheck families_;
    PageSummary summary_;
    std::string family_;
    MetricType type_ = MetricType::unknown;
    bool eof_ = false, stopped_ = false;
};

}  // namespace

PageSummary PageParser::parse(std::string_view page, PageSink& sink) { return Pass(options_, sink).run(page); }

}  // namespace medic
