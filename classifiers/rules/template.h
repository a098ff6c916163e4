// The texts of labels and annotations: `{{ $labels.job }} waits for {{ $value | humanizeDuration }}`.
// The part of Prometheus's (Go's) template language that rules really use; anything else stays as it was written.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/labels.h"

namespace medic {

struct TemplateData {
    const Labels& labels;
    double value = 0;
};

[[nodiscard]] std::string expand_template(std::string_view text, const TemplateData& data);

// The first {{…}} that expand_template() leaves as it is; "" when it knows all of them.
[[nodiscard]] std::string unknown_in_template(std::string_view text);

// As Go prints a float64 with %v.
[[nodiscard]] std::string go_float(double value);

}  // namespace medic
