// The texts of labels and annotations, in Prometheus's (Go's) template language:
// `{{ $labels.job }} waits for {{ $value | humanizeDuration }}`, if, range, with, variables, query.
// Left out: define, template, block, break, continue and HTML. Parsed once per rule, run at each evaluation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/labels.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

struct TemplateSample {
    Labels labels;
    double value = 0;
};

struct TemplateData {
    const Labels& labels;
    double value = 0;
    const Labels& external_labels;
    std::string_view external_url;
    WallTime at;
    // What `query` calls; without it, `query` is an error.
    std::function<Result<std::vector<TemplateSample>>(std::string_view expression)> query;
};

struct TemplateLimits {
    std::size_t depth_max = 16;
    std::size_t output_bytes_max = 64 * 1024;
    std::size_t steps_max = 10'000;  // Of one run: nodes and loop turns.
    std::size_t queries_max = 100;
};

class Template {
public:
    // The error says what was expected, and in which {{…}}.
    [[nodiscard]] static Result<Template> parse(std::string_view text, const TemplateLimits& limits = {});

    [[nodiscard]] Result<std::string> run(const TemplateData& data) const;
    // As Prometheus puts it into an annotation: the text, or "<error expanding template: …>".
    [[nodiscard]] std::string expand(const TemplateData& data) const;

    struct Block;  // Only for this folder.

private:
    std::shared_ptr<const Block> root_;
    std::string plain_;  // A text without any {{: nothing to run.
    TemplateLimits limits_;
};

}  // namespace medic
