// Which signatures of the catalogue hold for a text. A signature holds when it matches one line of its rendering.
// Its automata are built at the first text. Used from one thread. Says what matched, not what it means.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/trace/trace.h"

namespace medic {

struct TextMatches {
    std::vector<std::size_t> signatures;  // Positions in Catalogue::signatures(), ascending.
    std::vector<std::size_t> asides;      // Those of them that only an INFO or WARN line beside a failure speaks for.
    std::vector<std::pair<std::size_t, std::string_view>>
        lines;  // Of `message` signatures: the first line that matched.
    std::string shape;
};

class TextMatcher {
public:
    explicit TextMatcher(const Catalogue& catalogue);
    ~TextMatcher();
    TextMatcher(TextMatcher&&) noexcept;
    TextMatcher& operator=(TextMatcher&&) noexcept;

    [[nodiscard]] TextMatches match(const FailureText& text, Component component) const;
    // The line of the text that made the signature hold, for evidence; "" when it does not.
    [[nodiscard]] std::string matched_line(std::size_t signature, const FailureText& text, Component component) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
