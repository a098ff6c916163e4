// Classifies a text alone: whose fault, which cause, how sure — for `medic classify` and for the traces inside a view.
// Deterministic and offline. A text that no clue speaks for is an abstention (empty cause).
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/text_matcher.h"

namespace medic {

struct Classification {
    std::string cause, cause_group;
    Side side = Side::unknown;
    double confidence = 0;                  // Of the side; calibrated on texts that the catalogue has not seen.
    double cause_confidence = 0;            // Of this cause among all; never more than the side's.
    std::vector<Alternative> alternatives;  // Best first, at most five.
    std::vector<Evidence> evidence;
    std::string shape;       // See shape_of(): for explaining a verdict.
    bool truncated = false;  // A limit was met (TraceLimits): not all of the text was looked at.
};

class Classifier {
public:
    // Keeps a copy of the catalogue.
    explicit Classifier(Catalogue catalogue);
    ~Classifier();
    Classifier(Classifier&&) noexcept;
    Classifier& operator=(Classifier&&) noexcept;

    // Component::unknown: told from the text.
    [[nodiscard]] Classification classify_text(std::string_view text, Component component) const;
    // Which signatures hold, as positions in Catalogue::signatures().
    [[nodiscard]] std::vector<std::size_t> signatures_in(std::string_view text, Component component) const;
    [[nodiscard]] const Catalogue& catalogue() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Which product a text speaks of, by its loggers and frames.
[[nodiscard]] Component infer_component(std::string_view text);

// `medic classify`: each line of `in` is {"id","component","text"}; each line of `out` the verdict
// {"schema","id","side","cause","cause_group","confidence","alternatives","evidence"}, in the same order, with
// `truncated` where not all of the text was looked at. `id`: a string or a number. A line that can't be read gives
// {"id":…,"error":…} and is counted. Lines above 4 MiB are refused. Returns how many lines could not be read.
[[nodiscard]] Result<std::size_t> classify_lines(const Classifier& classifier, std::istream& in, std::ostream& out);

}  // namespace medic
