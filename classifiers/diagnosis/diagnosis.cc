#include "classifiers/diagnosis/diagnosis.h"

namespace medic {

std::string_view to_string(Side side) {
    switch (side) {
        case Side::user: return "user";
        case Side::system: return "system";
        case Side::unknown: return "unknown";
    }
    return "unknown";
}

}  // namespace medic
