// SPDX-License-Identifier: Apache-2.0
#include "library_families.h"

#include "fast_telemetry/process_info.h"
#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/storage_info.h"
#include "spans/chunks.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

void visit_families(const LibraryFamilies& shown, Visitor& visitor) {
  fast_telemetry::visit_families(storage_info(), visitor);
  if (shown.process) fast_telemetry::visit_families(process_info(), visitor);
  if (made_buffers() != nullptr) fast_telemetry::visit_families(span_info(), visitor);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
