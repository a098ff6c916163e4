#include "classifiers/rules/script/script.h"

#include <map>
#include <memory>

#include "classifiers/rules/script/evaluation_internal.h"
#include "classifiers/rules/script/series_values.h"

namespace medic {
namespace {

using script::Evaluation;
using script::take_word;
using script::trim;

StoreOptions keep_everything() {
    return {.retention = Duration{1LL << 50}, .samples_per_series_max = 100'000'000, .sample_bytes_max = 1ULL << 40};
}

class Script {
public:
    explicit Script(std::string_view name) : name_(name) { clear(); }

    ScriptReport run(std::string_view text) {
        split(text);
        while (at_ < lines_.size()) {
            const std::string_view line = trim(lines_[at_]);
            if (line.empty() || line.starts_with('#')) {
                ++at_;
            } else if (line.starts_with("load")) {
                load();
            } else if (line == "clear") {
                ++at_;
                clear();
            } else if (line.starts_with("eval")) {
                eval();
            } else {
                fail_line(at_++, "", "unknown command: " + std::string(line));
            }
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

    void fail_line(std::size_t line, std::string_view expression, std::string_view what) {
        report_.failures.push_back(fmt::format("{}:{}: {}: {}", name_, line + 1, expression, what));
    }

    // The lines of a command go on to the first empty one, or to the next command.
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
        data_.clear();
        store_.reset();
        unsupported_ = std::make_unique<SeriesStore>(keep_everything());
    }

    // A native histogram, or a start timestamp: what reads it is skipped.
    void skip_series(Labels labels) { (void)unsupported_->intern(labels); }

    void load() {
        const std::size_t line = at_;
        std::string_view head = trim(lines_[at_]);
        const bool with_native = take_word(head) == "load_with_nhcb";
        const auto step = script::parse_time_ms(take_word(head));
        if (!step) fail_line(line, "", step.error().message);
        for (const auto series : body())
            if (step) load_series(line, series, *step, with_native);
        store_.reset();
    }

    void load_series(std::size_t line, std::string_view text, std::int64_t step_ms, bool with_native) {
        const bool native = text.find("{{") != std::string_view::npos,
                   start_times = text.find("@st") != std::string_view::npos;
        if (native || start_times) {
            const auto values = start_times ? text.find("@st") : text.find("{{");
            // The series ends before its values: with its own brace, or with the first blank.
            const auto own = text.substr(0, values).rfind('}');
            const auto end = start_times ? values : own != std::string_view::npos ? own + 1 : text.find_first_of(" \t");
            const auto labels = parse_series_line(text.substr(0, end));
            if (!labels) return fail_line(line, text, labels.error().message);
            return skip_series(labels->labels);
        }
        const auto parsed = parse_series_line(text);
        if (!parsed) return fail_line(line, text, parsed.error().message);
        if (with_native && parsed->labels.name().ends_with("_bucket")) {
            std::string_view name = parsed->labels.name();
            name.remove_suffix(std::string_view("_bucket").size());
            std::vector<LabelPair> pairs;
            for (const auto& pair : parsed->labels.pairs())
                if (pair.first != "le" && pair.first != "__name__") pairs.push_back(pair);
            skip_series(Labels(name, std::move(pairs)));
        }
        std::int64_t at_ms = 0;
        for (const auto& value : parsed->values) {
            if (value) data_[at_ms][parsed->labels] = *value;
            at_ms += step_ms;
        }
    }

    void build_store() {
        if (store_) return;
        store_ = std::make_unique<SeriesStore>(keep_everything());
        for (const auto& [at_ms, samples] : data_) {
            ScrapeBatch batch;
            batch.target = "script";
            batch.at = {at_ms};
            batch.outcome = ScrapeOutcome::partial;
            for (const auto& [labels, value] : samples) batch.samples.emplace_back(*store_->intern(labels), value);
            store_->append(batch);
        }
    }

    void eval() {
        Evaluation evaluation;
        evaluation.line = at_;
        Status read = evaluation.read_head(trim(lines_[at_]));
        bool native = false;
        for (const auto line : body()) {
            native = native || (!line.starts_with("expect") && line.find("{{") != std::string_view::npos);
            if (read) read = evaluation.read_line(line);
        }
        if (!read) return fail_line(evaluation.line, evaluation.expression, read.error().message);
        if (native || script::reads_from(evaluation.expression, *unsupported_)) {
            ++report_.skipped;
            return;
        }
        build_store();
        const std::string problem = script::check(evaluation, *store_);
        if (problem.empty())
            ++report_.passed;
        else if (problem.starts_with("fails: ") && problem.find(" not supported") != std::string::npos)
            ++report_.skipped;
        else
            fail_line(evaluation.line, evaluation.expression, problem);
    }

    std::string_view name_;
    std::vector<std::string_view> lines_;
    std::size_t at_ = 0;
    std::map<std::int64_t, std::map<Labels, double>> data_;
    std::unique_ptr<SeriesStore> unsupported_;  // Series that were loaded with native histograms.
    std::unique_ptr<SeriesStore> store_;
    ScriptReport report_;
};

}  // namespace

ScriptReport run_promql_script(std::string_view text, std::string_view name) { return Script(name).run(text); }

}  // namespace medic
