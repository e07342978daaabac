import PluginAPI

final class MetricsRegistry: @unchecked Sendable {
    struct M {
        let sysTopic: String
        let value: String
    }
    func snapshot() -> [M] { [] }
}
enum MQTTClientService {
    nonisolated(unsafe) static let table = UnsafePointer(UnsafeMutablePointer<isth_mqtt_service>.allocate(capacity: 1))
}
enum MetricsService {
    nonisolated(unsafe) static let table = UnsafePointer(
        UnsafeMutablePointer<isth_metrics_service>.allocate(capacity: 1)
    )
}
