// Runbook pages: one Markdown page per cause, and their index, written from the catalogue. docs/causes holds what this
// writes (`medic rules causes --markdown docs/causes`); a test compares the two. It reads no clock and no disk.
#pragma once

#include <string>
#include <vector>

#include "classifiers/diagnosis/catalogue.h"

namespace medic {

struct CausePage {
    std::string file;  // "flink.null-dereference.md", "README.md".
    std::string text;
};

// README.md first, then one page per cause in the catalogue's order.
[[nodiscard]] std::vector<CausePage> cause_pages(const Catalogue& catalogue);

}  // namespace medic
