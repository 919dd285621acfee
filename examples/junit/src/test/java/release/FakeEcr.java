package release;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Objects;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The fixture: an Amazon ECR for a test class, empty again for each test. */
final class FakeEcr implements BeforeAllCallback, BeforeEachCallback, AfterEachCallback, AfterAllCallback {
    private final HttpClient http = HttpClient.newHttpClient();
    private Process program;
    private URI url;

    URI url() {
        return url;
    }

    /** Plays a scenario, which is JSON. */
    void play(String scenario) {
        control("POST", "scenario", scenario);
    }

    /** How many calls of an operation there were, refused ones and retries too. */
    long count(String operation) {
        return control("GET", "trace?operation=" + operation, "").lines().count();
    }

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        // From $FAKEECR or the PATH: go install github.com/fakeecr/ecr/fakeecr/cmd/fakeecr@latest
        String command = Objects.requireNonNullElse(System.getenv("FAKEECR"), "fakeecr");
        program = new ProcessBuilder(command, "-repository", "team/app")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader output = program.inputReader();
        String line = output.readLine();
        url = URI.create(line.substring(line.lastIndexOf(' ') + 1));
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        control("POST", "reset", "{}");
    }

    /** Stops what is played; a rule that never fired fails the test, as it proved nothing. */
    @Override
    public void afterEach(ExtensionContext context) {
        control("DELETE", "scenario", "");
    }

    @Override
    public void afterAll(ExtensionContext context) throws InterruptedException {
        if (program != null) {
            program.destroy();
            program.waitFor();
        }
    }

    private String control(String method, String path, String body) {
        HttpRequest request = HttpRequest.newBuilder(url.resolve("/_fakeecr/" + path))
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofString(body))
                .build();
        try {
            HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
            if (response.statusCode() >= 300) {
                throw new AssertionError(method + " " + path + ": " + response.body());
            }
            return response.body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
