import org.apache.cassandra.config.Config;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.config.YamlConfigurationLoader;

/** Has the server judge the file of the property cassandra.config as it does at its start, and prints what it took. */
class CassandraSettingsCheck {
  public static void main(String[] args) throws Exception {
    DatabaseDescriptor.daemonInitialization();
    Config config = new YamlConfigurationLoader().loadConfig();
    System.out.println("taken: " + config.commitlog_sync + " " + config.authenticator.class_name + " " + config.incremental_backups);
    System.exit(0);
  }
}
