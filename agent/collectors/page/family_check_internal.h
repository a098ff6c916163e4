// OpenMetrics 1.0's rules for families: what may stand where, which values and labels a type allows, what belongs
// together. Only for PageParser with Options::strict; line_internal.h knows how a line is written.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/collectors/page/line_internal.h"

namespace medic::page_detail {

class FamilyCheck {
public:
    using Problem = std::optional<std::string>;  // What is wrong; nullopt: nothing.

    [[nodiscard]] Problem comment(const Comment& comment);
    [[nodiscard]] Problem sample(const PageSample& sample);
    [[nodiscard]] Problem end() { return finish_group(); }

private:
    // What one histogram said at one time.
    struct Point {
        bool count = false, sum = false, infinite = false, negative = false;
        std::optional<double> last_bound, last_bucket;
        double count_value = 0, sum_value = 0;
    };
    // The samples of one family with the same labels, le, quantile and states aside.
    struct Group {
        std::string key;
        bool open = false;
        std::string last_series;
        std::optional<double> timestamp_s;  // Of the last sample.
        Point point;
    };

    [[nodiscard]] Problem enter(std::string_view family);
    [[nodiscard]] Problem reserve(MetricType type);
    [[nodiscard]] Problem enter_group(const PageSample& sample, std::string_view suffix);
    [[nodiscard]] Problem repeated(const PageSample& sample);
    [[nodiscard]] Problem finish_group();
    [[nodiscard]] Problem finish_point();
    [[nodiscard]] Problem bucket(const PageSample& sample);
    [[nodiscard]] Problem histogram(const PageSample& sample, std::string_view suffix);
    [[nodiscard]] Problem value(const PageSample& sample, std::string_view suffix);
    [[nodiscard]] Problem labels_and_exemplar(const PageSample& sample, std::string_view suffix);

    std::string family_;
    MetricType type_ = MetricType::unknown;
    bool typed_ = false, helped_ = false, has_unit_ = false, has_samples_ = false;
    std::string unit_;
    std::set<std::string, std::less<>> names_;   // Names that samples of earlier families and of this one may have.
    std::set<std::string, std::less<>> groups_;  // Of this family, that have ended.
    Group group_;
};

}  // namespace medic::page_detail
