#include "classifiers/rules/script/script.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "agent/base/yaml.h"
#include "classifiers/rules/promql/engine.h"
#include "classifiers/rules/script/series_values.h"

namespace medic {
namespace {

std::string_view trim(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view take_word(std::string_view& text) {
    text = trim(text);
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view word = text.substr(0, end);
    text = trim(text.substr(end));
    return word;
}

// "5m", "300", "-10s", "1.5" → milliseconds.
Result<std::int64_t> parse_time(std::string_view text) {
    const bool negative = text.starts_with('-');
    const std::string_view digits = negative ? text.substr(1) : text;
    double seconds = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    std::int64_t ms = 0;
    if (code == std::errc{} && end == digits.data() + digits.size()) {
        ms = std::llround(seconds * 1000);
    } else {
        MEDIC_TRY(const Duration duration, parse_duration(digits));
        ms = duration.count();
    }
    return negative ? -ms : ms;
}

bool same_value(double expected, double found) {
    constexpr double tolerance = 1e-6;  // As promqltest's.
    if (std::isnan(expected) || std::isnan(found)) return std::isnan(expected) && std::isnan(found);
    if (expected == found) return true;
    const double difference = std::abs(expected - found);
    if (expected == 0 || found == 0) return difference < tolerance * 1e-300 || difference < 1e-14;
    return difference / (std::abs(expected) + std::abs(found)) < tolerance;
}

struct Evaluation {
    std::size_t line = 0;
    bool range = false;
    std::int64_t start_ms = 0, end_ms = 0, step_ms = 1;
    std::string expression;
    bool fails = false, ordered = false;
    std::optional<std::string> text;
    std::vector<std::string> expected;
};

class Script {
public:
    explicit Script(std::string_view name) : name_(name) {}

    ScriptReport run(std::string_view text) {
        split(text);
        while (at_ < lines_.size()) {
            const std::string_view line = trim(lines_[at_]);
            if (line.empty() || line.starts_with('#'))
                ++at_;
            else if (line.starts_with("load"))
                load();
            else if (line == "clear")
                clear();
            else if (line.starts_with("eval"))
                eval();
            else
                fail_line(at_++, "", "unknown command: " + std::string(line));
        }
        return std::move(report_);
    }

private:
    void split(std::string_view text) {
        while (!text.empty()) {
            const auto end = text.find('\n');
            lines_.push_back(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }

    void fail_line(std::size_t line, std::string_view expression, std::string what) {
        report_.failures.push_back(fmt::format("{}:{}: {}: {}", name_, line + 1, expression, what));
    }

    // The lines of a command go on to the first empty one.
    std::vector<std::string_view> body() {
        std::vector<std::string_view> result;
        for (++at_; at_ < lines_.size(); ++at_) {
            const std::string_view line = trim(lines_[at_]);
            if (line.empty()) break;
            if (!line.starts_with('#')) result.push_back(line);
        }
        return result;
    }

    void clear() {
        ++at_;
        data_.clear();
        unsupported_.clear();
        store_.reset();
    }

    void load() {
        const std::size_t line = at_;
        std::string_view head = trim(lines_[at_]);
        take_word(head);
        const auto step = parse_time(take_word(head));
        const bool with_native = trim(lines_[line]).starts_with("load_with_nhcb");
        for (const auto series : body()) {
            if (series.find("{{") != std::string_view::npos || series.find("@st") != std::string_view::npos || !step) {
                unsupported_.insert(std::string(series.substr(0, series.find_first_of("{ \t"))));
                continue;
            }
            const auto parsed = parse_series_line(series);
            if (with_native && parsed && parsed->labels.name().ends_with("_bucket"))
                unsupported_.insert(std::string(parsed->labels.name().substr(0, parsed->labels.name().size() - 7)));
            if (!parsed) {
                fail_line(line, series, parsed.error().message);
                continue;
            }
            std::int64_t at_ms = 0;
            for (const auto& value : parsed->values) {
                if (value) data_[at_ms][parsed->labels] = *value;
                at_ms += *step;
            }
        }
        store_.reset();
    }

    void build_store() {
        if (store_) return;
        store_ = std::make_unique<SeriesStore>(StoreOptions{
            .retention = Duration{1LL << 50}, .samples_per_series_max = 100'000'000, .sample_bytes_max = 1ULL << 40});
        for (const auto& [at_ms, samples] : data_) {
            ScrapeBatch batch;
            batch.target = "script";
            batch.at = {at_ms};
            batch.outcome = ScrapeOutcome::partial;
            for (const auto& [labels, value] : samples) batch.samples.emplace_back(*store_->intern(labels), value);
            store_->append(batch);
        }
    }

    // ---- eval
    void eval() {
        Evaluation evaluation;
        evaluation.line = at_;
        std::string_view head = trim(lines_[at_]);
        const std::string_view command = take_word(head);
        evaluation.fails = command == "eval_fail";
        evaluation.ordered = command == "eval_ordered";
        const bool readable = read_head(head, evaluation);
        bool supported = true;
        for (const auto line : body()) {
            if (!line.starts_with("expect")) {
                supported = supported && line.find("{{") == std::string_view::npos;
                evaluation.expected.emplace_back(line);
                continue;
            }
            std::string_view rest = line;
            take_word(rest);
            const std::string_view what = take_word(rest);
            if (what == "fail")
                evaluation.fails = true;
            else if (what == "ordered")
                evaluation.ordered = true;
            else if (what == "string")
                evaluation.text = std::string(rest);
            else if (what == "range")
                supported = false;
        }
        supported = supported && std::ranges::none_of(unsupported_, [&](const auto& metric) {
                        return names(evaluation.expression, metric);
                    });
        if (!supported || !readable) {
            ++report_.skipped;
            return;
        }
        if (const std::string problem = check(evaluation); !problem.empty())
            fail_line(evaluation.line, evaluation.expression, problem);
        else
            ++report_.passed;
    }

    // Does the expression name this metric, and not just one that begins alike?
    static bool names(const std::string& expression, const std::string& metric) {
        if (metric.empty()) return true;
        for (auto at = expression.find(metric); at != std::string::npos; at = expression.find(metric, at + 1)) {
            const std::size_t end = at + metric.size();
            const char after = end < expression.size() ? expression[end] : ' ';
            if (std::isalnum(static_cast<unsigned char>(after)) == 0 && after != '_' && after != ':') return true;
        }
        return false;
    }

    static bool read_head(std::string_view head, Evaluation& into) {
        into.range = take_word(head) == "range";
        for (;;) {
            std::string_view rest = head;
            const std::string_view word = take_word(rest);
            if (word != "at" && word != "from" && word != "to" && word != "step") break;
            const auto value = parse_time(take_word(rest));
            if (!value) return false;
            if (word == "at")
                into.start_ms = into.end_ms = *value;
            else
                (word == "from" ? into.start_ms : word == "to" ? into.end_ms : into.step_ms) = *value;
            head = rest;
            if (word == "at" || word == "step") break;
        }
        into.expression = head;
        return true;
    }

    std::string check(const Evaluation& evaluation) {
        build_store();
        promql::Engine engine;
        const auto expression = engine.compile(evaluation.expression);
        if (!expression) return evaluation.fails ? "" : "does not parse: " + expression.error().message;
        std::map<Labels, std::map<std::int64_t, double>> found;
        std::vector<Labels> order;
        for (std::int64_t at_ms = evaluation.start_ms; at_ms <= evaluation.end_ms; at_ms += evaluation.step_ms) {
            const auto value = engine.evaluate(*expression, *store_, {at_ms}, {evaluation.start_ms, evaluation.end_ms});
            if (!value) return evaluation.fails ? "" : "fails: " + value.error().message;
            if (value->type == promql::ValueType::string) return check_text(evaluation, value->text);
            if (value->type == promql::ValueType::scalar) found[Labels()][at_ms] = value->scalar;
            for (const auto& sample : value->vector) {
                order.push_back(engine.labels().labels(sample.labels));
                found[order.back()][at_ms] = sample.value;
            }
            for (const auto& series : value->matrix)
                for (std::size_t i = 0; i < series.samples.size(); ++i)
                    found[engine.labels().labels(series.labels)][static_cast<std::int64_t>(i)] =
                        series.samples[i].value;
        }
        if (evaluation.fails) return "was expected to fail";
        return compare(evaluation, found, order);
    }

    static std::string check_text(const Evaluation& evaluation, const std::string& found) {
        if (!evaluation.text) return "a string was not expected";
        const auto expected = promql::parse(*evaluation.text);
        return expected.root && expected.root->text == found
                   ? ""
                   : fmt::format("expected {}, found \"{}\"", *evaluation.text, found);
    }

    static std::string compare(const Evaluation& evaluation,
                               const std::map<Labels, std::map<std::int64_t, double>>& found,
                               const std::vector<Labels>& order) {
        std::size_t position = 0, matched = 0;
        for (const auto& line : evaluation.expected) {
            auto series = parse_series_line(line);
            if (!series) {
                const auto number = promql::parse(line);  // A scalar may be written as an expression: -Inf, 1e3.
                if (!number.root || number.root->kind != promql::Node::Kind::number)
                    return "unreadable expectation: " + line;
                series = SeriesValues{{}, {number.root->number}};
            }
            const auto at = found.find(series->labels);
            if (at == found.end())
                return fmt::format("{} is missing (found {} series{})", line, found.size(), describe(found));
            if (evaluation.ordered && !evaluation.range &&
                (position >= order.size() || order[position] != series->labels))
                return line + " is not in its place";
            ++position;
            ++matched;
            std::size_t samples = 0;
            for (std::size_t i = 0; i < series->values.size(); ++i) {
                // A range selector's values have no known times here: they are compared one by one.
                const bool by_index = !evaluation.range && series->values.size() > 1;
                const std::int64_t key = by_index
                                             ? static_cast<std::int64_t>(i)
                                             : evaluation.start_ms + static_cast<std::int64_t>(i) * evaluation.step_ms;
                auto value = at->second.find(key);
                if (value == at->second.end() && !evaluation.range)
                    value = at->second.find(static_cast<std::int64_t>(i));
                if (series->values[i].has_value() != (value != at->second.end()))
                    return fmt::format("{}: value {} is {}", line, i, series->values[i] ? "missing" : "not expected");
                if (!series->values[i]) continue;
                ++samples;
                if (!same_value(*series->values[i], value->second))
                    return fmt::format("{}: value {} is {}", line, i, value->second);
            }
            if (samples != at->second.size())
                return fmt::format("{}: expected {} values, found {}", line, samples, at->second.size());
        }
        if (matched != found.size())
            return fmt::format("expected {} series, found {}{}", matched, found.size(), describe(found));
        return "";
    }

    static std::string describe(const std::map<Labels, std::map<std::int64_t, double>>& found) {
        std::string text;
        for (const auto& [labels, values] : found) {
            text += fmt::format("; {} = {}", labels.to_string(), values.begin()->second);
            if (text.size() > 400) break;
        }
        return text;
    }

    std::string_view name_;
    std::vector<std::string_view> lines_;
    std::size_t at_ = 0;
    std::map<std::int64_t, std::map<Labels, double>> data_;
    std::set<std::string> unsupported_;  // Metrics that were loaded with native histograms.
    std::unique_ptr<SeriesStore> store_;
    ScriptReport report_;
};

}  // namespace

ScriptReport run_promql_script(std::string_view text, std::string_view name) { return Script(name).run(text); }

}  // namespace medic
