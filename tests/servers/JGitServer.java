import java.io.File;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jgit.http.server.GitServlet;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.transport.Daemon;
import org.eclipse.jgit.transport.ReceiveCommand;
import org.eclipse.jgit.transport.ReceivePack;
import org.eclipse.jgit.transport.resolver.FileResolver;

/**
 * JGit's servers of the repositories in a folder: git:// at one port of loopback, http at another. As Gerrit does, it refuses
 * each ref below the setting `tests.refused` of a repository, in words of its own.
 */
public class JGitServer {
  public static void main(String[] args) throws Exception {
    File root = new File(args[0]);
    Daemon daemon = new Daemon(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])));
    daemon.setRepositoryResolver(new FileResolver<>(root, true));
    daemon.setReceivePackFactory((client, repository) -> receiver(repository));
    daemon.getService("git-receive-pack").setEnabled(true);
    daemon.start();

    Server http = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[2])));
    GitServlet servlet = new GitServlet();
    servlet.setReceivePackFactory((request, repository) -> receiver(repository));
    ServletHolder git = new ServletHolder(servlet);
    git.setInitParameter("base-path", root.getPath());
    git.setInitParameter("export-all", "true");
    ServletContextHandler all = new ServletContextHandler();
    all.addServlet(git, "/*");
    http.setHandler(all);
    http.start();
    http.join();
  }

  private static ReceivePack receiver(Repository repository) {
    ReceivePack receiver = new ReceivePack(repository);
    String refused = repository.getConfig().getString("tests", null, "refused");
    receiver.setPreReceiveHook(
        (pack, commands) -> {
          for (ReceiveCommand command : commands) {
            if (refused != null && command.getRefName().startsWith(refused)) {
              command.setResult(ReceiveCommand.Result.REJECTED_OTHER_REASON, "prohibited by the server: not permitted");
            }
          }
        });
    return receiver;
  }
}
